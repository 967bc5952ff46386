// T42: a node's job runs where the role is, and ends when the role leaves.

import { createVirtualClock } from '../../../adapters/memory/clock';
import { unreachable } from '../../../adapters/problems';
import { endings, type Job, runIfMain, spawnJob } from '../../../agent/if-main';
import type { Lease } from '../../../core/model';
import { fail, ok } from '../../../core/result';
import { defaultTimings } from '../../../core/timings';
import { aLease } from '../../support/samples';

function world(first: Partial<Lease> | 'away' = {}) {
  const clock = createVirtualClock();
  const state = { lease: first as Partial<Lease> | 'away', started: [] as number[], signals: [] as string[] };
  let over: (code: number | null) => void = () => undefined;
  let stubborn = false;
  const job: Job = {
    ended: new Promise((resolve) => {
      over = resolve;
    }),
    signal: (name) => {
      state.signals.push(name);
      if (name === 'SIGKILL' || !stubborn) over(null);
    },
  };
  const store = {
    read: async () =>
      state.lease === 'away' ? fail(unreachable('no answer', 'wait')) : ok(aLease('alpha', state.lease)),
  };
  const start = (epoch: number) => {
    state.started.push(epoch);
    return job;
  };
  const say = () => undefined;
  const running = runIfMain({ cluster: 'alpha', me: 'db1', timings: defaultTimings, store, clock, start, say });
  const resist = () => {
    stubborn = true;
  };
  return { clock, state, running, resist, ends: (code: number) => over(code) };
}

describe('T42: a job that moves with the role', () => {
  it('runs on the main, is told the epoch, and its exit code is the answer', async () => {
    const { clock, state, running, ends } = world({ epoch: 7 });
    await clock.advance(20_000);
    ends(3);
    expect(await clock.until(running)).toBe(3);
    expect(state).toMatchObject({ started: [7], signals: [] });
  });

  it.each<[string, Partial<Lease> | 'away', number]>([
    ['on a backup', { holder: 'db2' }, endings.notMain],
    ['on a main that is being drained', { drain: 'transfer' }, endings.notMain],
    ['on a paused main', { phase: 'paused' }, endings.notMain],
    ['where nobody can be asked', 'away', endings.roleLeft],
  ])('does not run %s', async (_, lease, code) => {
    const { clock, state, running } = world(lease);
    expect(await clock.until(running)).toBe(code);
    expect(state.started).toEqual([]);
  });

  it.each<[string, Partial<Lease>]>([
    ['another node holds the lease', { holder: 'db2', epoch: 2 }],
    ['this node holds it again, at a later epoch', { epoch: 3 }],
    ['the main is drained', { drain: 'transfer' }],
  ])('is ended within a heartbeat when %s', async (_, change) => {
    const { clock, state, running } = world();
    await clock.advance(5000);
    state.lease = change;
    expect(await clock.until(running)).toBe(endings.roleLeft);
    expect(state.signals[0]).toBe('SIGTERM');
    expect(clock.nowMs()).toBeLessThanOrEqual(5000 + defaultTimings.heartbeatMs + 10);
  });

  it('is ended before the promise of this node would be over, when nobody can be asked, though it does not listen', async () => {
    const { clock, state, running, resist } = world();
    resist();
    await clock.advance(5500);
    state.lease = 'away';
    expect(await clock.until(running)).toBe(endings.roleLeft);
    expect(state.signals).toEqual(['SIGTERM', 'SIGKILL']);
    // The last answer was to a question of second 5.
    expect(clock.nowMs()).toBeLessThanOrEqual(5000 + defaultTimings.ttlMs);
  });

  it('is a real process group: what it has started ends with it', async () => {
    const job = spawnJob(['sh', '-c', 'sleep 60 & wait'], { PATH: process.env.PATH });
    job.signal('SIGTERM');
    expect(await job.ended).toBeNull();
    await expect(spawnJob(['/no/such/command'], {}).ended).rejects.toThrow(/cannot be run/);
  });
});
