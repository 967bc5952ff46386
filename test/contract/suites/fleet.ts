// What every Fleet must do, whatever stands behind it.

import type { Fleet, Wish } from '../../../core/fleet';
import { wishId } from '../../../core/fleet';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

interface Subject {
  port: Fleet;
  /** Another process's way to the same items. */
  other: Fleet;
  script: FaultScript;
  /** Method of a write, as the fault script sees it. */
  write: string;
}

const lane = 'ec2:StopInstances';
const wall = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const aWish = (id: string, change: Partial<Wish> = {}): Wish => ({
  ...{ id, body: { instanceId: `i-${id}` }, untilMs: 8000, answer: null },
  ...change,
});
const ids = (wishes: Wish[]) => wishes.map(({ id }) => id);

/** `make` gives empty lanes and lines. */
export function fleetContract(name: string, make: () => Promise<Subject>): void {
  describe(`Fleet: ${name}`, () => {
    it('T66: the line of an API moves by compare-and-swap only', async () => {
      const { port, other } = await make();
      expect(value(await port.line('route53'))).toBeNull();
      const one = { nextMs: 1000.5, busyAtMs: 900, version: 1 };
      value(await port.swapLine('route53', null, one));
      expect(problem(await other.swapLine('route53', null, { ...one, nextMs: 7 })).code).toBe('Refused');
      value(await other.swapLine('route53', one, { ...one, nextMs: 1100, version: 2 }));
      expect(problem(await port.swapLine('route53', one, { ...one, nextMs: 8, version: 2 })).code).toBe('Refused');
      expect(value(await port.line('route53'))).toEqual({ ...one, nextMs: 1100, version: 2 });
      expect(value(await port.line('ec2:StopInstances'))).toBeNull();
    });

    it('gives a wish back as it was put, and its answer to whoever asks', async () => {
      const { port, other } = await make();
      const wish = aWish('one', { body: { changes: [null, { a: 'b' }], at: 1.5 } });
      value(await port.put(lane, wish));
      expect(value(await other.get(lane, 'one'))).toEqual(wish);
      value(await other.answer(lane, 'one', { ok: true }));
      expect(value(await port.get(lane, 'one'))).toEqual({ ...wish, answer: { ok: true } });
      expect(value(await port.get('another lane', 'one'))).toBeNull();
    });

    it('lists those without an answer, the important ones first and the older ones before the younger', async () => {
      const { port, other } = await make();
      const late = wishId('high', wall(5), 'b');
      const order = [wishId('high', wall(3), 'a'), late, wishId('normal', wall(1), 'c'), wishId('low', wall(0), 'd')];
      for (const id of [...order].reverse()) value(await port.put(lane, aWish(id)));
      value(await port.put('ec2:DescribeInstances', aWish('elsewhere')));
      expect(ids(value(await other.waiting(lane, 100)))).toEqual(order);
      expect(ids(value(await other.waiting(lane, 2)))).toEqual(order.slice(0, 2));
      value(await port.answer(lane, late, 'done'));
      expect(ids(value(await other.waiting(lane, 2)))).toEqual([order[0], order[2]]);
    });

    it('an answer that comes when its wish was withdrawn does not bring it back', async () => {
      const { port, other } = await make();
      value(await port.put(lane, aWish('one')));
      value(await port.remove(lane, 'one'));
      value(await port.remove(lane, 'one'));
      value(await other.answer(lane, 'one', 'late'));
      expect(value(await port.get(lane, 'one'))).toBeNull();
    });

    it('the first answer stays, whoever else leads', async () => {
      const { port, other } = await make();
      value(await port.put(lane, aWish('one')));
      value(await port.answer(lane, 'one', 'first'));
      value(await other.answer(lane, 'one', 'second'));
      expect(value(await other.get(lane, 'one'))?.answer).toBe('first');
    });

    it('one leads a lane, until it leaves or its time is over', async () => {
      const { port, other } = await make();
      expect(value(await port.lead(lane, 'me', 1000, 4000))).toBe(true);
      expect(value(await other.lead(lane, 'you', 1500, 4500))).toBe(false);
      expect(value(await other.lead('route53#zone', 'you', 1500, 4500))).toBe(true);
      expect(value(await port.lead(lane, 'me', 2000, 5000))).toBe(true);
      expect(value(await other.lead(lane, 'you', 4999, 8000))).toBe(false);
      expect(value(await other.lead(lane, 'you', 5000, 8000))).toBe(true);
      value(await port.leave(lane, 'me'));
      expect(value(await port.lead(lane, 'me', 6000, 9000))).toBe(false);
      value(await other.leave(lane, 'you'));
      expect(value(await port.lead(lane, 'me', 6000, 9000))).toBe(true);
    });

    it('of many who want to lead at once one does', async () => {
      const { port, other } = await make();
      const asked = ['a', 'b', 'c', 'd', 'e', 'f'].map((who, n) => (n % 2 ? port : other).lead(lane, who, 0, 3000));
      expect((await Promise.all(asked)).map(value).filter(Boolean)).toHaveLength(1);
    });

    it('no answer is Unreachable, never an empty queue', async () => {
      const { port, script, write } = await make();
      script.next(write, 'timeout-before');
      expect(problem(await port.put(lane, aWish('one'))).code).toBe('Unreachable');
    });
  });
}
