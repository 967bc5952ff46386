// Crash points: every step of every plan, here at one place inside it; `npm run sim -- --crash-points` takes every place.

import type { OperationKind } from '../../core/model';
import { aftermaths, crashAt, crashPoints } from './crash-points';

const kinds: OperationKind[] = ['switchover', 'failover', 'recover', 'settle'];

describe.each(kinds)('T50: a %s that is stopped at any place', (kind) => {
  test.each(aftermaths)(
    'then %s: comes to rest, and nothing stays locked',
    async (then) => {
      const points = crashPoints(kind, then, [4]);
      expect(points.length).toBeGreaterThanOrEqual(12);
      for (const point of points) {
        const world = await crashAt(point);
        expect({ point, operation: world.lease().operation }).toEqual({ point, operation: null });
      }
    },
    60_000,
  );
});
