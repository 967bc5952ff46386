// The model's engine as an agent drives it: every call takes time in which anything may happen, and says what it proved.

import type { NodeConfig } from '../../core/model';
import type { Clock, Driven, DriverProblem, EngineDriver } from '../../core/ports';
import { fail, ok } from '../../core/result';
import type { Engine } from './engine';
import type { Random } from './random';

export interface DriverParts {
  engine: Engine;
  random: Random;
  /** The agent's own. */
  clock: Clock;
  peers: () => Engine[];
  /** Whether this node reaches that one, in both directions. */
  linked: (other: string) => boolean;
  /** What a client on this node would find behind the VIP. */
  vipAccepts: () => boolean;
}

/** How long the driver waits for an engine that does not answer, in ms. */
const patienceMs = 10_000;
const lookMs = 800;

const problem = (code: DriverProblem['code'], message: string) =>
  fail<DriverProblem>({ code, message, next: 'look again' });

export function createSimDriver(parts: DriverParts): EngineDriver {
  const { engine, random, clock } = parts;
  const takes = (low: number, high: number) => clock.sleep(random.between(low, high));
  const startReadOnly = () => standBy(parts);
  return {
    status: async () => {
      await (engine.stall ? clock.sleep(lookMs) : takes(1, 5));
      return engine.status();
    },
    standBy: startReadOnly,
    follow: async (main) => {
      const started = await startReadOnly();
      if (!started.ok) return started;
      engine.following = main.name;
      const upstream = parts.peers().find(({ name }) => name === main.name);
      const diverged = upstream?.running && parts.linked(main.name) && !engine.isPrefixOf(upstream);
      return diverged ? problem('Diverged', 'own history is no prefix') : ok(undefined);
    },
    promote: async () => {
      await takes(5, 50);
      if (!engine.running) return problem('NotPromoted', 'the engine is down');
      if (engine.writable) return ok(undefined);
      void engine.promote(random.between(20, 400));
      return becomes(parts, () => engine.writable, problem('NotPromoted', 'it did not become writable'));
    },
    startAsMain: (spawned) => startAsMain(parts, spawned),
    waitFor: async (nodes) => {
      await takes(2, 20);
      if (engine.stall) return problem('NotWaiting', 'it does not answer');
      // What is said is that it was read by one process, not by all.
      void engine.waitFor([...nodes]);
      return ok(undefined);
    },
    followers: async () => {
      await takes(1, 5);
      const streaming = parts.peers().filter((peer) => peer.following === engine.name && peer.isStreaming());
      return engine.stall
        ? []
        : streaming.map(({ name, bytes }) => ({ node: name, streaming: true, flushedBytes: bytes }));
    },
    checkpoint: async () => undefined,
    drain: async () => {
      await takes(5, 50);
      if (engine.running && engine.stall === null && engine.defect === null) {
        void engine.shutDown(() => parts.peers().filter(({ following }) => following === engine.name));
      }
      const done = await becomes(parts, () => !engine.running, problem('NotStopped', 'it did not stop'), 60_000);
      if (done.ok && !engine.clean) return problem('NotStopped', 'it was killed while it stopped');
      return done.ok ? ok({ timeline: engine.timeline, bytes: engine.bytes }) : done;
    },
    fence: async () => {
      await takes(5, 200);
      engine.kill('fenced');
      return becomes(parts, () => !engine.running, problem('NotStopped', 'it does not die'), lookMs);
    },
    rejoin: (main) => rejoin(parts, main),
    keepSlots: async () => undefined,
    probe: async (_host, _port, epoch) => {
      await takes(5, 50);
      const accepted = parts.vipAccepts();
      return { epoch, accepted, ms: 10, message: accepted ? 'written' : 'refused' };
    },
    pid: async () => (engine.running ? engine.pid : null),
  };
}

async function becomes(
  { clock }: DriverParts,
  holds: () => boolean,
  otherwise: ReturnType<typeof problem>,
  boundMs = patienceMs,
): Driven {
  const endMs = clock.nowMs() + boundMs;
  while (!holds()) {
    if (clock.nowMs() >= endMs) return otherwise;
    await clock.sleep(20);
  }
  return ok(undefined);
}

async function standBy({ engine, random, clock }: DriverParts): Driven {
  await clock.sleep(random.between(50, 300));
  const { defect, torn } = engine;
  if (engine.stall) return problem('NotStarted', 'it does not answer');
  if (defect || torn) return problem('NotStarted', defect ?? 'a rewind was interrupted: rejoin again');
  if (engine.writable) engine.kill('restarted read-only');
  if (engine.running) engine.standby = true;
  else engine.start(true, 'started read-only');
  return ok(undefined);
}

async function startAsMain(parts: DriverParts, spawned: (pid: number) => boolean): Driven {
  const { engine, random, clock } = parts;
  // What it looks at and writes before it starts anything may take a moment on a slow disk.
  await clock.sleep(random.between(20, random.pick([100, 100, 1500])));
  if (engine.stall) return problem('NotStarted', 'it does not answer');
  if (engine.defect || engine.torn) return problem('NotStarted', engine.defect ?? 'a rewind was interrupted');
  if (engine.running && !engine.writable) engine.kill('restarted as main');
  if (engine.running) return ok(undefined);
  engine.start(false, 'recovering');
  const { pid } = engine;
  if (!spawned(pid)) {
    engine.kill('killed: the promise was over');
    return problem('NotStarted', 'the promise was over when it was started');
  }
  void engine.open(random.between(30, 1500));
  const up = () => engine.writable || engine.pid !== pid || !engine.running;
  const done = await becomes(parts, up, problem('NotStarted', 'it did not open in time'), 30_000);
  if (!done.ok) return done;
  return engine.writable && engine.pid === pid ? done : problem('NotStarted', 'it was stopped while it recovered');
}

/** Follow when nothing diverged, else rewind: while that goes on, what is on the disk is no history (T35). */
async function rejoin(parts: DriverParts, main: NodeConfig): ReturnType<EngineDriver['rejoin']> {
  const { engine, random, clock } = parts;
  await clock.sleep(random.between(100, 1000));
  const upstream = parts.peers().find(({ name }) => name === main.name);
  if (!upstream?.running || upstream.stall || !parts.linked(main.name)) {
    return problem('NotRejoined', 'the main does not answer');
  }
  if (engine.stall) return problem('NotRejoined', 'the engine does not answer');
  const prefix = engine.isPrefixOf(upstream) && !engine.torn;
  if (!prefix) {
    engine.kill('rewinds');
    engine.torn = true;
    await clock.sleep(random.between(100, 3000));
    if (!upstream.running || !parts.linked(main.name)) return problem('NotRejoined', 'the main is lost');
    engine.writes = [...upstream.writes];
    engine.timeline = upstream.timeline;
    engine.torn = false;
  }
  engine.defect = null;
  if (engine.writable) engine.kill('rejoins');
  engine.following = main.name;
  if (engine.running) engine.standby = true;
  else engine.start(true, 'rejoined');
  return ok({ method: prefix ? ('follow' as const) : ('rewind' as const), evidence: prefix ? null : 'kept' });
}
