// T42: a node's job runs where the role is, and ends when the role leaves.

import { createVirtualClock } from '../../../adapters/memory/clock';
import { unreachable } from '../../../adapters/problems';
import { endings, type Job, runIfMain, spawnJob } from '../../../agent/if-main';
import type { Lease } from '../../../core/model';
import { fail, ok } from '../../../core/result';
import { defaultTimings, type Timings, tightTimings } from '../../../core/timings';
import { aLease } from '../../support/samples';

/** away: a request fails at once; mute: nobody ever answers. */
type Answer = Partial<Lease> | 'away' | 'mute';

function world(first: Answer = {}, timings: Timings = defaultTimings) {
  const clock = createVirtualClock();
  const state = { lease: first, started: [] as number[], signals: [] as string[], startedAtMs: 0, goodAtMs: 0 };
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
    read: async () => {
      if (state.lease === 'mute') return new Promise<never>(() => undefined);
      if (state.lease === 'away') return fail(unreachable('no answer', 'wait'));
      state.goodAtMs = clock.nowMs();
      return ok(aLease('alpha', state.lease));
    },
  };
  const start = (epoch: number) => {
    state.started.push(epoch);
    state.startedAtMs = clock.nowMs();
    return job;
  };
  const say = () => undefined;
  const running = runIfMain({ cluster: 'alpha', me: 'db1', timings, store, clock, start, say });
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

  it.each<[string, Answer, number]>([
    ['on a backup', { holder: 'db2' }, endings.notMain],
    ['on a main that is being drained', { drain: 'transfer' }, endings.notMain],
    ['on a paused main', { phase: 'paused' }, endings.notMain],
    ['where nobody can be asked', 'away', endings.roleLeft],
  ])('does not run %s', async (_, lease, code) => {
    const { clock, state, running } = world(lease);
    expect(await clock.until(running)).toBe(code);
    expect(state.started).toEqual([]);
  });

  it('T42: begins a ttl later, when a job of the last main has ended', async () => {
    const { clock, state, running, ends } = world();
    await clock.advance(defaultTimings.ttlMs + 100);
    expect(state.startedAtMs).toBe(defaultTimings.ttlMs);
    ends(0);
    await clock.until(running);
  });

  it.each<[string, Answer]>([
    ['the role has left', { holder: 'db2', epoch: 2 }],
    ['it has left and come back', { epoch: 3 }],
    ['nobody can be asked any more', 'away'],
  ])('does not begin when by then %s', async (_, lease) => {
    const { clock, state, running } = world();
    await clock.advance(1000);
    state.lease = lease;
    expect(await clock.until(running)).toBe(endings.roleLeft);
    expect(state.started).toEqual([]);
  });

  it.each<[string, Partial<Lease>]>([
    ['another node holds the lease', { holder: 'db2', epoch: 2 }],
    ['this node holds it again, at a later epoch', { epoch: 3 }],
    ['the main is drained', { drain: 'transfer' }],
  ])('is ended within a heartbeat when %s', async (_, change) => {
    const { clock, state, running } = world();
    await clock.advance(8000);
    expect(state.started).toEqual([1]);
    state.lease = change;
    expect(await clock.until(running)).toBe(endings.roleLeft);
    expect(state.signals[0]).toBe('SIGTERM');
    expect(clock.nowMs()).toBeLessThanOrEqual(8000 + defaultTimings.heartbeatMs + 10);
  });

  describe.each<[string, Timings]>([
    ['default', defaultTimings],
    ['tight', tightTimings],
  ])('with the timings %s', (_, timings) => {
    it.each<Answer>(['away', 'mute'])(
      'has ended within a ttl of the last answer when the store is %s, though it does not listen',
      async (lease) => {
        const { clock, state, running, resist } = world({}, timings);
        resist();
        await clock.advance(timings.ttlMs + 5.5 * timings.heartbeatMs);
        expect(state.started).toEqual([1]);
        state.lease = lease;
        expect(await clock.until(running)).toBe(endings.roleLeft);
        expect(state.signals).toEqual(['SIGTERM', 'SIGKILL']);
        expect(clock.nowMs()).toBeLessThanOrEqual(state.goodAtMs + timings.ttlMs);
      },
    );
  });

  it('is a real process group: what it has started ends with it', async () => {
    const job = spawnJob(['sh', '-c', 'sleep 60 & wait'], { PATH: process.env.PATH });
    job.signal('SIGTERM');
    expect(await job.ended).toBeNull();
    await expect(spawnJob(['/no/such/command'], {}).ended).rejects.toThrow(/cannot be run/);
  });
});
