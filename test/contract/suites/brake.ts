// What every Brake must do, whatever stands behind it.

import { type Brake, defaultBrake } from '../../../core/brake';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

interface Subject {
  port: Brake;
  /** Another process's way to the same item. */
  other: Brake;
  script: FaultScript;
  /** Method of a write, as the fault script sees it. */
  write: string;
}

const first = { id: 'first', endsAtMs: 600_000, taken: 1 };

/** `make` gives a brake that was never configured. */
export function brakeContract(name: string, make: () => Promise<Subject>): void {
  describe(`Brake: ${name}`, () => {
    it('is absent until it is configured, and keeps its window when it is configured again', async () => {
      const { port, other } = await make();
      expect(value(await port.read())).toBeNull();
      value(await port.configure(defaultBrake, 12));
      expect(value(await other.read())).toEqual({ limits: defaultBrake, clusters: 12, window: null, release: null });
      value(await port.open(null, first));
      const limits = { failovers: 3, percent: 10, windowMs: 60_000 };
      value(await port.configure(limits, 40));
      expect(value(await other.read())).toEqual({ limits, clusters: 40, window: first, release: null });
    });

    it('T66: of many who ask at once exactly as many get a place as there are', async () => {
      const { port, other } = await make();
      value(await port.configure(defaultBrake, 12));
      value(await port.open(null, first));
      const asked = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? port : other).take('first', 8)));
      expect(asked.filter(({ ok }) => ok)).toHaveLength(7);
      expect(new Set(asked.flatMap((taken) => (taken.ok ? [] : [taken.error.code])))).toEqual(new Set(['Refused']));
      expect(value(await port.read())?.window?.taken).toBe(8);
    });

    it('a window begins once: whoever asked for another in the place of the same one is Refused', async () => {
      const { port, other } = await make();
      value(await port.configure(defaultBrake, 12));
      value(await port.open(null, first));
      expect(problem(await other.open(null, { ...first, id: 'late' })).code).toBe('Refused');
      value(await port.open(first, { ...first, id: 'second' }));
      expect(problem(await other.open(first, { ...first, id: 'late' })).code).toBe('Refused');
      expect(problem(await other.take('first', 100)).code).toBe('Refused');
      expect(value(await other.read())?.window?.id).toBe('second');
    });

    it('exactly one caller per window pages', async () => {
      const { port, other } = await make();
      value(await port.configure(defaultBrake, 12));
      value(await port.open(null, first));
      const pages = await Promise.all([1, 2, 3, 4].map((n) => (n % 2 ? port : other).mayPage('first')));
      expect(pages.map(value).filter(Boolean)).toHaveLength(1);
      value(await port.open(first, { ...first, id: 'second' }));
      expect(value(await other.mayPage('first'))).toBe(false);
      expect(value(await other.mayPage('second'))).toBe(true);
    });

    it('knows each cluster’s place and the last release', async () => {
      const { port, other } = await make();
      value(await port.configure(defaultBrake, 12));
      expect(value(await port.placeOf('alpha'))).toBeNull();
      value(await port.putPlace('alpha', 'first'));
      expect(value(await other.placeOf('alpha'))).toBe('first');
      expect(value(await other.placeOf('beta'))).toBeNull();
      const release = { untilMs: 5000, by: 'ann', reason: 'the zone is gone' };
      value(await port.release(release));
      expect(value(await other.read())?.release).toEqual(release);
    });

    it('no answer is Unreachable, never a place', async () => {
      const { port, script, write } = await make();
      value(await port.configure(defaultBrake, 12));
      value(await port.open(null, first));
      script.next(write, 'timeout-before');
      expect(problem(await port.take('first', 8)).code).toBe('Unreachable');
    });
  });
}
