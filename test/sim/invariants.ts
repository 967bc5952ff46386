// What must hold at every moment of every history: one checker per invariant, each with its own memory, over the truth that
// only a simulation knows. `docs/invariants.md` is drawn from the sentences.

import { mustBeAwaited } from '../../core/clauses';
import { belongs } from '../../core/lineage';
import type { ClusterConfig, Lease, NodeName, NodeState } from '../../core/model';
import type { JournalEntry } from '../../core/ports';
import type { StepCall } from '../../workflows/run-step';
import type { WorkflowState } from '../../workflows/state';
import type { Acked } from './clients';
import type { Execution } from './cloud';
import { writeBytes } from './engine';
import type { Life } from './life';
import type { Machine } from './machine';

/** The truth, as checkers see it. */
export interface Scene {
  nowMs(): number;
  machines: readonly Machine[];
  lease(): Lease;
  vipTarget(): Machine | undefined;
  /** Whoever acts now is a person with a word of their own (`mainstay start --yes`, a console). */
  byPerson: boolean;
  config: ClusterConfig;
  execution(name: string): Execution | undefined;
  /** Whether somebody has stopped an execution since then. */
  stoppedSince(sinceMs: number): boolean;
  /** Acknowledged writes that nobody has written off yet. */
  acked: readonly Acked[];
  /** The last time that the store was away for everybody, or null. */
  outage: { fromMs: number; toMs: number } | null;
  followedOf(node: NodeName): number | null;
  /** Told by itself: one that is on its way back on a person's word is no backup. */
  stateOf(node: NodeName): NodeState | null;
  journal(): JournalEntry[];
  /** Nodes that could have told their position all the time since then. */
  heardSince(sinceMs: number): Machine[];
}

export type Found = string | null | undefined | false;

export interface Checker {
  engine?(scene: Scene): Found;
  lease?(scene: Scene, was: Lease, now: Lease): Found;
  vip?(scene: Scene, to: NodeName | null): Found;
  ack?(scene: Scene, machine: Machine): Found;
  step?(scene: Scene, call: StepCall, ok: boolean): Found;
  ended?(scene: Scene, execution: Execution): Found;
  /** An agent changed its mind. */
  decided?(scene: Scene, node: NodeName, rule: string): Found;
  journal?(scene: Scene, entry: JournalEntry): Found;
  /** After the heal, at rest. */
  rest?(scene: Scene): Found;
}

export interface Invariant {
  sentence: string;
  checker: () => Checker;
}

const machineOf = (scene: Scene, name: NodeName | null) => scene.machines.find((machine) => machine.name === name);
const automatic = (lease: Lease): boolean => lease.operation?.by === 'automatic';
const isClaim = (was: Lease, now: Lease): boolean => now.phase === 'claimed' && now.epoch > was.epoch;
const isGrant = (was: Lease, now: Lease): boolean => now.holder !== null && now.holder !== was.holder;
const names = (machines: readonly Machine[]): string => machines.map(({ name }) => name).join(', ');

const oneWriter = (): Checker => ({
  engine: ({ machines }) => {
    const accepting = machines.filter(({ accepts }) => accepts);
    return accepting.length > 1 && `two nodes accept writes: ${names(accepting)}`;
  },
});

function epochsGrow(): Checker {
  const holders = new Map<number, NodeName>();
  return {
    lease: (_, was, now) => {
      if (now.epoch < was.epoch) return `the epoch fell from ${was.epoch} to ${now.epoch}`;
      if (now.holder === null) return null;
      const first = holders.get(now.epoch) ?? now.holder;
      holders.set(now.epoch, first);
      return first !== now.holder && `epoch ${now.epoch} has had two holders: ${first} and ${now.holder}`;
    },
  };
}

const provenFirst = (): Checker => ({
  lease: (scene, was, now) => {
    if (!isGrant(was, now) || scene.byPerson) return null;
    if (now.fence?.epoch !== now.epoch)
      return `${now.holder} is granted epoch ${now.epoch} without a proof of that epoch`;
    const others = scene.machines.filter((machine) => machine.name !== now.holder && machine.mayStillAccept());
    return (
      others.length > 0 && `${now.holder} is granted the lease (${now.fence.how}) while ${names(others)} may write`
    );
  },
});

const rightfulWriter = (): Checker => ({
  ack: (scene, { name }) => {
    const { holder, phase, former, fence, epoch } = scene.lease();
    const rightful = holder === name || (phase === 'claimed' && former === name && fence === null);
    return (
      !rightful && `${name} acknowledged a write at epoch ${epoch}, which belongs to ${holder ?? `nobody (${phase})`}`
    );
  },
});

function vipNeverBack(): Checker {
  const held = new Map<NodeName, number>();
  let newest = 0;
  return {
    lease: (_, __, now) => {
      if (now.holder !== null) held.set(now.holder, now.epoch);
      return null;
    },
    vip: (scene, to) => {
      const epoch = to === null ? newest : (held.get(to) ?? 0);
      const before = newest;
      newest = Math.max(newest, epoch);
      return (
        !scene.byPerson &&
        epoch < before &&
        `the VIP is given to ${to} of epoch ${epoch} and was at epoch ${before} already`
      );
    },
  };
}

function lossIsReported(): Checker {
  const beyond = new Map<string, number>();
  return {
    journal: (_, { rule, epoch, details }) => {
      const told = (details?.loss as { beyondBytes?: number } | undefined)?.beyondBytes;
      if (rule === 'choose-after-fence' && told !== undefined) beyond.set(`${epoch} ${details?.candidate}`, told);
      return null;
    },
    lease: (scene, was, now) => {
      const main = machineOf(scene, now.holder);
      if (was.phase !== 'granted' || now.phase !== 'held' || !main) return null;
      const missing = scene.acked.filter(({ index, id }) => main.engine.writes[index]?.id !== id);
      if (missing.length === 0) return null;
      const how = now.fence?.how;
      if (how === 'drained') return `the switchover lost ${missing.length} acknowledged writes`;
      const { mode } = scene.config.replication;
      if (mode !== 'async' && !scene.byPerson) return `${missing.length} acknowledged writes are lost in mode ${mode}`;
      const reported = beyond.get(`${now.epoch} ${now.holder}`);
      if (reported === undefined) return `${missing.length} acknowledged writes are lost and nothing was reported`;
      const worst = missing.find(({ index }) => index * writeBytes < reported);
      return (
        worst && `write ${worst.id} at ${worst.index * writeBytes} is lost, reported were those beyond ${reported}`
      );
    },
    rest: (scene) => {
      const main = machineOf(scene, scene.lease().holder);
      const missing = scene.acked.filter(({ index, id }) => main?.engine.writes[index]?.id !== id);
      return missing.length > 0 && `${missing.length} acknowledged writes have vanished without a takeover`;
    },
  };
}

/** Whoever the lease names has every acknowledged commit; and in strict mode no commit is acknowledged that nobody else has. */
function recordedHasAll(): Checker {
  const lacks = (scene: Scene, acked: readonly Acked[]): Found => {
    const { synced } = scene.lease();
    for (const name of synced) {
      const engine = machineOf(scene, name)?.engine;
      const missing = acked.find(({ index, id }) => engine?.writes[index]?.id !== id);
      if (missing) return `${name} is recorded and does not have write ${missing.id}, which was acknowledged`;
    }
    return null;
  };
  return {
    lease: (scene, was, now) => (now.synced.length > was.synced.length ? lacks(scene, scene.acked) : null),
    ack: (scene, machine) => {
      const last = scene.acked.slice(-1);
      const alone = ({ index, id }: Acked) =>
        !scene.machines.some((other) => other !== machine && other.engine.writes[index]?.id === id);
      if (scene.config.replication.mode === 'strict' && last.some(alone))
        return `${machine.name} has acknowledged write ${last[0]?.id}, which no other node has, in strict mode`;
      return lacks(scene, last);
    },
  };
}

const cleanStopIsNoLoss = (): Checker => ({
  lease: (scene, was, now) => {
    if (!isClaim(was, now) || !automatic(now)) return null;
    if (was.phase === 'paused') return `a takeover from a paused lease: ${was.holder} was stopped cleanly`;
    const left = machineOf(scene, was.holder)?.left;
    return left?.undisturbed && left.epoch === was.epoch && `a takeover from ${was.holder}, which was stopped cleanly`;
  },
});

const shunnedNeverServes = (): Checker => {
  const serves = (scene: Scene, machine: Machine): Found => {
    const { shunned, fence, phase, epoch } = scene.lease();
    const proven = phase !== 'claimed' || fence?.epoch === epoch;
    return shunned[machine.name] && proven && machine.accepts && `${machine.name} is shunned and accepts writes`;
  };
  return {
    engine: (scene) => scene.machines.map((machine) => serves(scene, machine)).find(Boolean),
    ack: serves,
    lease: (_, was, now) => {
      const former = isClaim(was, now) ? was.holder : null;
      return former && !now.shunned[former] && `${former} lost the lease at epoch ${now.epoch} and is not shunned`;
    },
  };
};

function neverBack(): Checker {
  const passed = new Set<string>();
  return {
    lease: (_, was, now) => {
      if (now.epoch > was.epoch && now.operation) passed.add(now.operation.id);
      return null;
    },
    ended: (_, { name, outcome, kind, redrivenAtMs }) =>
      // A redriven one may find that others have gone on, and touch nothing.
      redrivenAtMs === null &&
      kind !== 'recover' &&
      outcome?.end === 'undone' &&
      passed.has(name) &&
      `${name} was undone after its point of no return`,
  };
}

const holdIsAPersons = (): Checker => ({
  lease: (scene, was, now) => {
    if (scene.byPerson) return null;
    const { operation } = was;
    const lifted = Object.keys(was.shunned).filter((name) => !now.shunned[name]);
    const asked = operation?.kind === 'recover' && operation.by !== 'automatic';
    if (was.hold && !now.hold && !(asked && Object.keys(now.shunned).length === 0))
      return 'the hold was lifted by a machine';
    const wrong = lifted.find((name) => !asked || operation.node !== name);
    if (wrong) return `${wrong} is not shunned any more, and nobody asked for it`;
    const main = machineOf(scene, now.holder);
    const early = lifted.find((name) => main && !machineOf(scene, name)?.engine.isPrefixOf(main.engine));
    return early && `${early} is not shunned any more and holds what ${main?.name} does not have`;
  },
});

function everythingIsJournaled(): Checker {
  const refused = new Set<string>();
  const stepped = new Set<string>();
  const told = new Map<string, Life | null>();
  let open: { decision: string; life: Life | null }[] = [];
  return {
    decided: (scene, node, rule) =>
      void open.push({ decision: `${node} ${rule}`, life: machineOf(scene, node)?.life ?? null }),
    journal: (scene, { kind, actor, rule, operation, because, at }) => {
      if (because === '') return `an entry without a reason: ${rule} by ${actor}`;
      if (kind === 'refusal') refused.add(`${operation} ${rule}`);
      if (kind === 'step') stepped.add(`${operation} ${rule}`);
      if (kind !== 'decision') return null;
      const node = actor.replace('agent:', '');
      open = open.filter(({ decision }) => decision !== `${node} ${rule}`);
      told.set(`${at} ${actor} ${rule}`, machineOf(scene, node)?.life ?? null);
      return null;
    },
    step: (_, { step, operation }, ok) =>
      ok && !stepped.has(`${operation} ${step}`) && `${step} of ${operation} is not journaled`,
    ended: (_, { name, outcome }) => {
      const problem = outcome?.problem;
      if (!problem || problem.code === 'Unreachable' || problem.code === 'BadInput') return null;
      const rule = `${problem.family}.${problem.code}`;
      return !refused.has(`${name} ${rule}`) && `${name} ended with ${rule}, and that is not journaled`;
    },
    rest: (scene) => {
      const kept = new Set(scene.journal().map(({ at, actor, rule }) => `${at} ${actor} ${rule}`));
      // What an agent had not yet told when it died is lost with it.
      const alive = new Set(scene.machines.map(({ life }) => life));
      const untold = open.find(({ life }) => alive.has(life));
      if (untold) return `a decision that was not handed to the journal: ${untold.decision}`;
      const lost = [...told].find(([key, life]) => alive.has(life) && !kept.has(key));
      return lost && `a decision is not in the journal: ${lost[0]}`;
    },
  };
}

const oneOperation = (): Checker => ({
  lease: (scene, was, now) => {
    if (!was.operation || !now.operation || was.operation.id === now.operation.id) return null;
    if (!mustBeAwaited(was) && now.operation.kind === 'failover') return null;
    const former = scene.execution(was.operation.id);
    // Whoever asked just before the redrive was told that it had ended.
    const justRedriven = scene.nowMs() - (former?.redrivenAtMs ?? Number.NEGATIVE_INFINITY) < 10_000;
    const running = former && former.outcome === null && !former.stopped && !justRedriven;
    return running && `${now.operation.id} took the place of ${was.operation.id}, which is running`;
  },
});

/** In true time: the holder's last renewal reached the store this long ago. */
function fullSilence(): Checker {
  let renewedAtMs = 0;
  return {
    lease: (scene, was, now) => {
      if (now.renewals !== was.renewals || now.holder !== was.holder)
        renewedAtMs = now.holder ? scene.nowMs() : renewedAtMs;
      const taken = isClaim(was, now) && automatic(now) && (was.phase === 'held' || was.phase === 'granted');
      if (!taken || was.operation?.id === now.operation?.id) return null;
      const silentMs = scene.nowMs() - renewedAtMs;
      if (silentMs < was.ttlMs)
        return `${was.holder} lost the lease after ${Math.round(silentMs)} ms of silence, less than ${was.ttlMs}`;
      const { outage } = scene;
      // A short one may fall between two looks of a contender.
      const through =
        outage &&
        outage.toMs - outage.fromMs > 2000 &&
        scene.nowMs() - outage.toMs < was.ttlMs &&
        renewedAtMs > outage.fromMs - was.ttlMs;
      return (
        through &&
        `T26: the store came back ${Math.round(scene.nowMs() - outage.toMs)} ms ago, and ${was.holder} got no chance`
      );
    },
  };
}

function mostAdvanced(): Checker {
  let fencedAtMs = 0;
  return {
    lease: (scene, was, now) => {
      if (now.fence && now.fence.epoch !== was.fence?.epoch) fencedAtMs = scene.nowMs();
      if (was.phase !== 'claimed' || now.phase !== 'granted' || scene.byPerson) return null;
      const chosen = machineOf(scene, now.holder);
      const ahead = scene.heardSince(fencedAtMs - 1000).filter(({ name, engine }) => {
        const eligible =
          !now.shunned[name] &&
          scene.stateOf(name) === 'backup' &&
          belongs(was.lineage, engine.status(), scene.followedOf(name));
        const same = engine.status().dataId === chosen?.engine.status().dataId;
        return eligible && chosen && same && engine.bytes > chosen.engine.bytes && !engine.isPrefixOf(chosen.engine);
      });
      return ahead.length > 0 && `${now.holder} was granted the lease though ${names(ahead)} had more`;
    },
  };
}

const doneMeansServed = (): Checker => ({
  step: (scene, { step, state, operation }, ok) => {
    const { epoch, holder, phase } = scene.lease();
    if (step !== 'confirm' || !ok || (state as WorkflowState).epoch !== epoch || phase !== 'held') return null;
    // A function of a stopped execution may be at work for as long as it lives; the next sweep looks again.
    if (scene.stoppedSince(scene.nowMs() - 60_000)) return null;
    const target = scene.vipTarget();
    return (
      target?.name !== holder &&
      `${operation} says that clients can write, and the VIP is at ${target?.name ?? 'nobody'}`
    );
  },
});

/** By id. A sentence is what docs/invariants.md says, and what a failure is called. */
export const invariants = {
  I1: { sentence: 'At any moment at most one node accepts writes.', checker: oneWriter },
  I2: { sentence: 'Epochs only grow, and each has at most one holder.', checker: epochsGrow },
  I3: {
    sentence:
      'Nobody is granted the lease before a proven fence or a drained hand-over of that epoch is recorded, and what is recorded is true.',
    checker: provenFirst,
  },
  I4: {
    sentence:
      'A write is acknowledged only by the holder of the present epoch, or by the former one before its fence is proven.',
    checker: rightfulWriter,
  },
  I5: {
    sentence:
      'The VIP is never given to a node of an older epoch than it has been at, so never to one older than the last confirmed.',
    checker: vipNeverBack,
  },
  I6: {
    sentence:
      'With synchronous replication, and in every switchover, no acknowledged write is lost; otherwise at most what was reported.',
    checker: lossIsReported,
  },
  I7: { sentence: 'A clean stop never causes a takeover.', checker: cleanStopIsNoLoss },
  I8: {
    sentence: 'Whoever loses the main role unexpectedly is shunned in the same write, and a shunned node never serves.',
    checker: shunnedNeverServes,
  },
  I9: { sentence: 'After the point of no return nothing is undone.', checker: neverBack },
  I10: {
    sentence:
      'A hold and a shun are lifted only for a person who asked, and only from a node whose data is a copy of the main’s.',
    checker: holdIsAPersons,
  },
  I11: {
    sentence: 'Every decision, every step and every refusal is in the journal, with its rule and its reason.',
    checker: everythingIsJournaled,
  },
  I12: {
    sentence:
      'One operation at a time: another takes its place only when its execution has ended (what need not be awaited gives way to a failover).',
    checker: oneOperation,
  },
  I13: {
    sentence:
      'An automatic takeover comes only after a full ttl of silence; when the store was away, the old holder gets the first chance.',
    checker: fullSilence,
  },
  I14: {
    sentence: 'The chosen candidate has everything that any backup that could be heard has.',
    checker: mostAdvanced,
  },
  I15: { sentence: 'An operation that confirms its end has the VIP at the main.', checker: doneMeansServed },
  I16: { sentence: 'A main that is lost for good is replaced, once, within bounded time.', checker: () => ({}) },
  I17: {
    sentence:
      'When the faults are over the cluster comes to rest: one main, VIP on it, backups following, no operation; or it waits for a person, who is told what to do.',
    checker: () => ({}),
  },
  I18: {
    sentence:
      'Each backup that the lease names as synchronous has every acknowledged commit; in strict mode no commit is acknowledged that only one node has.',
    checker: recordedHasAll,
  },
} as const satisfies Record<string, Invariant>;
export type InvariantId = keyof typeof invariants;
