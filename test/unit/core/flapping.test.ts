// T59: a cluster that fails over again and again by itself waits, and then waits for a person.

import { attempted, judgeFlapping } from '../../../core/flapping';
import { changed } from '../../../core/lease';
import { aLease } from '../../support/samples';

const at = (minutes: number) => new Date(Date.UTC(2026, 0, 1) + minutes * 60_000).toISOString();
const limits = { coolDownMs: 60_000, maxPerDay: 3 };
const attempt = (operation: string, minutes: number) => ({ operation, at: at(minutes) });
const asked = (minutes: number) => ({ operation: 'next', now: at(minutes) });

describe('T59: an automatic failover', () => {
  it('is held back while the last one is younger than the cool-down, and not a moment longer', () => {
    expect(judgeFlapping(limits, [attempt('a', 0)], asked(0.9))).toMatchObject({
      code: 'CoolDown',
      message: 'the last automatic failover (a) began 54 s ago, and the cool-down is 60 s',
    });
    expect(judgeFlapping(limits, [attempt('a', 0)], asked(1))).toBeNull();
  });

  it('waits for a person after so many in 24 hours, counted whether they succeeded or not', () => {
    const three = [attempt('a', 0), attempt('b', 10), attempt('c', 20)];
    expect(judgeFlapping(limits, three, asked(40))?.code).toBe('TooMany');
    expect(judgeFlapping(limits, three, asked(24 * 60))).toBeNull();
  });

  it('does not hold itself back when its claim is repeated, and counts once', () => {
    const own = attempted([attempt('next', 0)], attempt('next', 0.5));
    expect(own).toEqual([attempt('next', 0)]);
    expect(judgeFlapping(limits, own, asked(0.6))).toBeNull();
  });

  it('is counted by the claim, in the same write, and forgotten when a person acknowledges', () => {
    const operation = { id: 'op-1', kind: 'failover' as const, by: 'automatic', since: '' };
    const watched = { epoch: 1, renewals: 0 };
    const claimed = changed(aLease('alpha'), 'claim', { watched, operation, attempt: attempt('op-1', 0) }, 'n');
    if (!claimed.ok) throw new Error(claimed.error.message);
    expect(claimed.value.attempts).toEqual([attempt('op-1', 0)]);
    const acknowledged = changed(claimed.value, 'acknowledge', {}, 'm');
    expect(acknowledged.ok && acknowledged.value.attempts).toEqual([]);
  });
});

describe('a barred node', () => {
  const bar = { by: 'ann', reason: 'its disk is being replaced', at: at(0) };
  const operation = { id: 'op-1', kind: 'failover' as const, by: 'ann', since: '' };
  const proof = { node: 'db1', epoch: 1, how: 'power-off' as const, evidence: 'stopped' };

  it.each(['grant', 'transfer'] as const)('is refused by %s, whoever asks', (name) => {
    const lease = aLease('alpha', {
      ...{ barred: { db2: bar }, operation, fence: proof },
      ...(name === 'grant' ? { phase: 'claimed', holder: null } : { drain: 'transfer' }),
    });
    const refused = changed(lease, name, { node: 'db2', epoch: 1, operation }, 'n');
    expect(!refused.ok && refused.error.message).toContain('db2 (ann: its disk is being replaced)');
    expect(changed(lease, name, { node: 'db3', epoch: 1, operation }, 'n').ok).toBe(true);
  });

  it('cannot be the main that serves now', () => {
    const refused = changed(aLease('alpha'), 'bar', { node: 'db1', bar }, 'n');
    expect(!refused.ok && refused.error.message).toContain('db1 is the main: move the role away first');
  });
});
