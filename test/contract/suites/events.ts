// What every Events must do, whatever stands behind it.

import type { Events, MainstayEvent } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface EventsSubject {
  events: Events;
  script: FaultScript;
  /** What arrived at this subject's bus, oldest first. */
  arrived(count: number): Promise<MainstayEvent[]>;
  publish: string;
}

export const anEvent = (change: Partial<MainstayEvent> = {}): MainstayEvent => ({
  type: 'Lease Expired',
  cluster: 'shop',
  detail: { epoch: 7, node: 'db2' },
  ...change,
});

export function eventsContract(name: string, make: () => Promise<EventsSubject>): void {
  describe(`Events: ${name}`, () => {
    it('an event arrives with its type, its cluster and its detail', async () => {
      const { events, arrived } = await make();
      value(await events.publish(anEvent()));
      expect(await arrived(1)).toEqual([anEvent()]);
    });

    it('T67: a lost reply is Unreachable though the event arrived, so it may arrive twice', async () => {
      const { events, script, arrived, publish } = await make();
      script.next(publish, 'timeout-after');
      expect(problem(await events.publish(anEvent())).code).toBe('Unreachable');
      value(await events.publish(anEvent()));
      expect(await arrived(2)).toEqual([anEvent(), anEvent()]);
    });

    it('a request that never arrived is Unreachable', async () => {
      const { events, script, publish } = await make();
      script.next(publish, 'timeout-before');
      expect(problem(await events.publish(anEvent())).code).toBe('Unreachable');
    });
  });
}
