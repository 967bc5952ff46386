// What every Gate must do, whatever stands behind it: who gets an acknowledgement, and when nobody does.

import type { Gate } from '../../../core/gate';
import { problem, value } from '../../support/samples';

export type From = 'client' | 'peer';

export interface Session {
  /** Says something to the engine and waits a little: whether the engine's acknowledgement came. */
  acknowledged(): Promise<boolean>;
  /** Whether the last word is acknowledged by now, however late. */
  acknowledgedLate(): Promise<boolean>;
  /** Ended by a reset. */
  ended(): Promise<boolean>;
}

export interface GateSubject {
  gate: Gate;
  /** The gate of another process on the same node: an agent that was started anew. */
  another(): Gate;
  /** A new session with the engine, null when it is refused or not answered. */
  connect(from: From): Promise<Session | null>;
  /** So many ms have passed. */
  passed(ms: number): Promise<void>;
  /** Somebody flushes all rules of the node. */
  flush(): Promise<void>;
}

/** Long enough to be confirmed on a busy machine; sessions begin under a longer one, which this one then replaces. */
export const A_WHILE_MS = 500;
export const LONG_MS = 60_000;

/** As a renewal that is written at once. */
export async function renewed(gate: Gate, promiseMs: number): Promise<void> {
  value(await gate.confirm(value(await gate.promise(promiseMs))));
}

async function connected(subject: GateSubject, from: From): Promise<Session> {
  const session = await subject.connect(from);
  if (session === null) throw new Error(`a ${from} was not let in`);
  return session;
}

export function gateContract(name: string, make: () => Promise<GateSubject>): void {
  describe(`Gate: ${name}`, () => {
    let subject: GateSubject;
    let gate: Gate;
    beforeEach(async () => {
      subject = await make();
      gate = subject.gate;
      value(await gate.install());
    });

    it('is shut from the start: no client is let in, every peer is', async () => {
      expect(await gate.status()).toMatchObject({ state: 'shut', leftMs: null, intact: true });
      expect(await subject.connect('client')).toBeNull();
      expect(await (await connected(subject, 'peer')).acknowledged()).toBe(true);
    });

    it('L2: opens for a promise that was confirmed, and an open session gets nothing once it has run out', async () => {
      await renewed(gate, LONG_MS);
      const session = await connected(subject, 'client');
      expect(await session.acknowledged()).toBe(true);
      const { state, leftMs } = await gate.status();
      expect(state).toBe('promise');
      expect(leftMs).toBeGreaterThan(LONG_MS / 2);
      expect(leftMs).toBeLessThanOrEqual(LONG_MS);
      await renewed(gate, A_WHILE_MS);
      await subject.passed(A_WHILE_MS);
      expect(await session.acknowledged()).toBe(false);
      expect(await subject.connect('client')).toBeNull();
      expect(await gate.status()).toMatchObject({ state: 'shut', leftMs: null });
    });

    it('a session that was not ended meanwhile goes on when the promise is renewed', async () => {
      await renewed(gate, LONG_MS);
      const session = await connected(subject, 'client');
      await renewed(gate, A_WHILE_MS);
      await subject.passed(A_WHILE_MS);
      expect(await session.acknowledged()).toBe(false);
      await renewed(gate, LONG_MS);
      expect(await session.acknowledgedLate()).toBe(true);
      expect(await session.acknowledged()).toBe(true);
    });

    it('renewals follow each other without a gap', async () => {
      const promiseMs = 4 * A_WHILE_MS;
      await renewed(gate, promiseMs);
      const session = await connected(subject, 'client');
      for (let turn = 0; turn < 5; turn += 1) {
        const next = value(await gate.promise(promiseMs));
        await subject.passed(A_WHILE_MS);
        expect(await session.acknowledged()).toBe(true);
        value(await gate.confirm(next));
        expect(await session.acknowledged()).toBe(true);
      }
    });

    it('a promise that was not confirmed opens nothing, and shuts nothing that is open', async () => {
      value(await gate.promise(LONG_MS));
      expect(await subject.connect('client')).toBeNull();
      await renewed(gate, LONG_MS);
      value(await gate.promise(10));
      await subject.passed(50);
      expect(await (await connected(subject, 'client')).acknowledged()).toBe(true);
    });

    it('T2: counts from when it was promised, not from when it was confirmed', async () => {
      const early = value(await gate.promise(LONG_MS));
      await subject.passed(A_WHILE_MS);
      value(await gate.confirm(early));
      expect((await gate.status()).leftMs).toBeLessThanOrEqual(LONG_MS - A_WHILE_MS);
    });

    it('T5: a confirmation that comes after the promise has run out opens nothing', async () => {
      const late = value(await gate.promise(A_WHILE_MS));
      await subject.passed(A_WHILE_MS);
      expect(problem(await gate.confirm(late)).code).toBe('Lapsed');
      expect(await subject.connect('client')).toBeNull();
      expect((await gate.status()).state).toBe('shut');
    });

    it('only the last promise can be confirmed, also when another agent made it', async () => {
      const first = value(await gate.promise(LONG_MS));
      const next = subject.another();
      const second = value(await next.promise(LONG_MS));
      expect(problem(await gate.confirm(first)).code).toBe('Lapsed');
      expect(await subject.connect('client')).toBeNull();
      value(await next.confirm(second));
      expect(await subject.connect('client')).not.toBeNull();
    });

    it('T48: a promise is confirmed once', async () => {
      const once = value(await gate.promise(LONG_MS));
      value(await gate.confirm(once));
      value(await gate.shut());
      expect(problem(await gate.confirm(once)).code).toBe('Lapsed');
      expect((await gate.status()).state).toBe('shut');
    });

    it('open for reading has no end, and ends when a promise is confirmed', async () => {
      await renewed(gate, A_WHILE_MS);
      value(await gate.openReadOnly());
      value(await gate.openReadOnly());
      await subject.passed(A_WHILE_MS);
      expect(await (await connected(subject, 'client')).acknowledged()).toBe(true);
      expect(await gate.status()).toMatchObject({ state: 'read-only', leftMs: null });
      await renewed(gate, A_WHILE_MS);
      expect((await gate.status()).state).toBe('promise');
      await subject.passed(A_WHILE_MS);
      expect(await subject.connect('client')).toBeNull();
    });

    it('T44: shut ends the sessions of clients and leaves those of peers alone', async () => {
      await renewed(gate, LONG_MS);
      const client = await connected(subject, 'client');
      const peer = await connected(subject, 'peer');
      value(await gate.shut());
      value(await gate.shut());
      expect(await client.ended()).toBe(true);
      expect(await subject.connect('client')).toBeNull();
      expect(await peer.acknowledged()).toBe(true);
      expect((await gate.status()).state).toBe('shut');
    });

    it('a session of a promise that ran out is ended before the gate is opened for reading', async () => {
      await renewed(gate, LONG_MS);
      const session = await connected(subject, 'client');
      await renewed(gate, A_WHILE_MS);
      await subject.passed(A_WHILE_MS);
      expect(await session.acknowledged()).toBe(false);
      value(await gate.openReadOnly());
      expect(await session.ended()).toBe(true);
      expect(await session.acknowledgedLate()).toBe(false);
      expect(await (await connected(subject, 'client')).acknowledged()).toBe(true);
    });

    it('an agent that is started anew keeps the promise that runs', async () => {
      await renewed(gate, LONG_MS);
      const next = subject.another();
      expect(value(await next.install())).toBe('kept');
      expect(await (await connected(subject, 'client')).acknowledged()).toBe(true);
      await renewed(gate, A_WHILE_MS);
      expect(value(await next.install())).toBe('kept');
      await subject.passed(A_WHILE_MS);
      expect(await subject.connect('client')).toBeNull();
      await renewed(next, LONG_MS);
      expect(await subject.connect('client')).not.toBeNull();
    });

    it('rules that somebody flushed are noticed, put back by the next call, and counted', async () => {
      await renewed(gate, LONG_MS);
      const session = await connected(subject, 'client');
      await subject.flush();
      expect(await gate.status()).toMatchObject({ state: 'absent', intact: false, repairs: 0 });
      const next = value(await gate.promise(LONG_MS));
      expect(await gate.status()).toMatchObject({ state: 'shut', intact: true, repairs: 1 });
      expect(await subject.connect('client')).toBeNull();
      value(await gate.confirm(next));
      expect(await session.acknowledged()).toBe(true);
    });

    it('a promise that was made before the rules were flushed opens nothing in the new ones', async () => {
      const lost = value(await gate.promise(LONG_MS));
      await subject.flush();
      expect(problem(await gate.confirm(lost)).code).toBe('Lapsed');
      expect(await subject.connect('client')).toBeNull();
    });

    it('removed, it is gone and lets everybody in; removing it twice is no fault', async () => {
      value(await gate.remove());
      value(await gate.remove());
      expect((await gate.status()).state).toBe('absent');
      expect(await subject.connect('client')).not.toBeNull();
      expect(value(await gate.install())).toBe('installed');
      expect(await subject.connect('client')).toBeNull();
    });
  });
}
