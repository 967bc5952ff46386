// Planted bugs, each one mistake that somebody has really made: an edit of the product's source that only the simulation's
// build applies (build.ts). Every one must be found by some seed; one that nobody finds shows a missing fault or checker.

export interface Edit {
  file: string;
  /** Stands exactly once in the file. */
  was: string;
  becomes: string;
}

export interface Mutant {
  /** The mistake, and what it leads to. */
  mistake: string;
  edits: readonly Edit[];
}

const edit = (file: string, was: string, becomes: string): Edit => ({ file, was, becomes });

const lease = 'core/lease.ts';
const fence = 'workflows/steps/fence.ts';
const rungs = 'workflows/steps/fence-rungs.ts';
const keeper = 'agent/lease-keeper.ts';
const work = 'agent/engine-work.ts';

// biome-ignore format: a table
export const mutants = {
  // ---- lease and time
  'renewal-without-condition': { mistake: 'a write of the lease without its condition: the last writer wins',
    edits: [edit('adapters/memory/lease-store.ts', 'if (asRead) {', 'if (asRead || next.version > Number(item?.version) - 3) {')] },
  'epoch-not-grown-by-transfer': { mistake: 'the hand-over keeps its epoch: two holders under one fencing token (L1)',
    edits: [edit(lease, "from: ['held'], to: 'granted', who: 'workflow', authority: true", "from: ['held'], to: 'granted', who: 'workflow'")] },
  'promise-from-the-reply': { mistake: 'the promise is counted from the reply, not from the send (T2)',
    edits: [edit(keeper, "this.promiseUntil(epoch, sentAtMs + promiseMs(timings));\n    return 'written'", "this.promiseUntil(epoch, clock.nowMs() + promiseMs(timings));\n    return 'written'")] },
  'promise-without-margin': { mistake: 'the promise lasts the whole ttl: no time is left to stop the engine (L6, T8)',
    edits: [edit('core/timings.ts', 'timings.ttlMs - timings.marginMs;', 'timings.ttlMs;')] },
  'wall-clock-in-self-fence': { mistake: 'the promise is measured by the wall clock, which people step (T7)',
    edits: [edit(keeper, 'return this.promise.endsAtMs - this.options.clock.nowMs();', 'return this.promise.endsAtMs - (Date.parse(this.options.clock.wall()) - Date.UTC(2026, 0, 1));'),
      edit(keeper, 'return this.ungated(open.error.message);\n    const sentAtMs = clock.nowMs();', 'return this.ungated(open.error.message);\n    const sentAtMs = Date.parse(clock.wall()) - Date.UTC(2026, 0, 1);'),
      edit('agent/self-fence.ts', 'const leftMs = endsAtMs === null ? null : endsAtMs - clock.nowMs();', 'const leftMs = endsAtMs === null ? null : endsAtMs - (Date.parse(clock.wall()) - Date.UTC(2026, 0, 1));')] },
  'count-survives-a-failed-read': { mistake: 'a contender goes on counting through its own failed reads (L3, T23)',
    edits: [edit(keeper, '    this.watch = null;\n', ''),
      edit('core/watch.ts', 'returnedAtMs - watch.lastMs <= maxGapMs', 'returnedAtMs >= watch.lastMs')] },
  'takeover-at-half-the-ttl': { mistake: 'a contender does not wait for a full ttl of silence (T1)',
    edits: [edit('core/timings.ts', 'timings.ttlMs + clockErrorMs(timings);', 'timings.ttlMs / 2;')] },
  'lost-reply-taken-for-a-loss': { mistake: 'a write whose reply was lost is taken for somebody else’s, by its nonce and by what it has done (L4, T3)',
    edits: [edit('adapters/lease-write.ts', "sent.nonce !== '' && stored.nonce === sent.nonce && stored.version === sent.version", "sent.nonce === 'nobody' && stored.nonce === sent.nonce"),
      edit('workflows/step.ts', 'if (already(lease)) return ok(lease);', '')] },
  'no-answer-taken-for-yes': { mistake: 'a renewal without an answer is taken for written (L2, L4)',
    edits: [edit(keeper, "if (result !== 'written' || !this.lease) return result;", "if (result === 'refused' || !this.lease) return result;")] },
  'dead-main-kept-in-office': { mistake: 'the heartbeat goes on though the engine is down for good (T10)',
    edits: [edit(work, 'if (this.underWay === null) return this.failuresNow() === 0;', 'if (this.underWay === null) return true;'),
      edit('core/rules.ts', "goal: 'main', when: (v) => serving(v) && v.restarts === 0", "goal: 'main', when: (v) => serving(v)")] },
  'gate-counts-from-the-reply': { mistake: 'the kernel is told to count only when the store has answered: a node that froze in between opens its gate when it thaws (T2, T5)',
    edits: [edit(keeper, 'const confirmed = this.hidden ? counted : await gate.confirm(counted.value);', 'const late = await gate.promise(promiseMs(timings));\n    const confirmed = this.hidden || !late.ok ? late : await gate.confirm(late.value);')] },
  'gate-left-open-for-readers': { mistake: 'who becomes main does so with the gate open without end, as it was for readers',
    edits: [edit(keeper, 'const confirmed = this.hidden ? counted : await gate.confirm(counted.value);', 'const confirmed = { ok: true as const, value: counted.value, error: { message: "" } };')] },
  // ---- without the store
  'word-not-kept': { mistake: 'who has given its word is promoted all the same (T20)',
    edits: [edit('agent/failsafe.ts', 'return this.isOn && this.parts.clock.nowMs() - sinceMs <', 'return this.isOn && sinceMs < 0 && this.parts.clock.nowMs() - sinceMs <')] },
  'word-of-one': { mistake: 'one node’s word is enough to go on without the store (T20)',
    edits: [edit('agent/failsafe.ts', 'return words.every(', 'return words.some(')] },
  'failsafe-main-taken-for-fenced': { mistake: 'a full ttl of silence proves a fence though the main goes on by the others’ word',
    edits: [edit(rungs, 'if (wentOnByWord(look)) return', 'if (nowMs < 0) return')] },
  // ---- commits that wait
  'degraded-before-recorded': { mistake: 'the engine stops waiting for a backup before the lease stops naming it (T30)',
    edits: [edit('core/replication.ts', 'const nodes = [...view.recorded, ...joining(view)];', 'const nodes = [...view.recorded.filter((node) => view.well.includes(node)), ...joining(view)];')] },
  'recorded-before-complete': { mistake: 'a backup is recorded as soon as the engine waits for it, with what it lacks (T30)',
    edits: [edit('agent/replication.ts', 'return streaming && fromBytes !== null && flushedBytes >= fromBytes;', 'return streaming;')] },
  'elected-though-not-recorded': { mistake: 'in sync mode the failover asks nobody who is recorded (T28, T30)',
    edits: [edit('core/candidates.ts', '!mustStream && !waived && mayLack(question, report)', 'mustStream && mayLack(question, report)')] },
  'waits-for-nobody-at-first': { mistake: 'a new main acknowledges alone until its first round has told it whom to wait for (T31)',
    edits: [edit('core/replication.ts', 'return others.slice(0, backups);', 'return [];'), edit('core/replication.ts', "if (recorded.length > 0 || mode === 'sync') return [...recorded];", "if (mode === 'sync' || recorded.length > 0) return [];")] },
  // ---- the engine
  'promoted-without-a-promise': { mistake: 'the engine is opened on an old reading of the lease (T5)',
    edits: [edit(work, 'await this.armDeadman();\n    return (this.keeper.promiseLeftMs() ?? 0) > 0 && !this.bound();', 'return true;'),
      edit(work, 'void this.armDeadman(pid);\n        return (this.keeper.promiseLeftMs() ?? 0) > 0;', 'return true;'),
      edit(work, 'if (pid !== null && endsAtMs !== null) deadman.arm(pid, endsAtMs);', 'if (pid !== null && endsAtMs !== null && endsAtMs > this.parts.clock.nowMs()) deadman.arm(pid, endsAtMs);')] },
  'deadman-not-armed-again': { mistake: 'the deadman is armed once and not at each renewal, and then switched off (T6)',
    edits: [edit('agent/agent.ts', '    await this.work.armDeadman();\n    return written', '    this.parts.deadman.arm(0, 0);\n    return written')] },
  // ---- the fence
  'promotion-on-unproven': { mistake: 'a fence that is not proven within two heartbeats is recorded as if it were (T19)',
    edits: [edit(fence, 'if (found) return { how: found.how, evidence: found.evidence };',
      "if (found) return { how: found.how, evidence: found.evidence };\n  if (seen.nowMs - search.beganAtMs >= graceMs(context.config)) return { how: 'power-off', evidence: 'nobody objects' };")] },
  'stopping-taken-for-stopped': { mistake: 'EC2’s `stopping` is taken for stopped (T11)',
    edits: [edit(rungs, "state === 'stopped' || state === 'terminated'", "state !== 'running'")] },
  'self-fence-without-waiting': { mistake: 'an armed deadman is taken for a proof before the ttl has passed',
    edits: [edit(rungs, 'nowMs - silentSinceMs < waitMs', 'nowMs < 0')] },
  'stale-report-taken-for-an-ack': { mistake: 'a report from before the claim proves that the engine is stopped',
    edits: [edit(rungs, 'report.seen.epoch >= lease.epoch && provenStopped.includes(report.state) && ', '')] },
  'deadman-believed-unseen': { mistake: 'a node is believed to stop itself though nothing on it does',
    edits: [edit(fence, "= config.fence.includes('self-fence') && report?.deadman === 'armed'", "= config.fence.includes('self-fence')"),
      edit(rungs, "if (report?.deadman !== 'armed')", 'if (report === undefined)')] },
  'candidate-before-the-fence': { mistake: 'the candidate is chosen while the old main may still be acknowledging (T28)',
    edits: [edit('workflows/plans/failover.ts', "step: 'fence'", "step: 'choose'"), edit('workflows/plans/failover.ts', "step: 'choose-after-fence'", "step: 'fence'"),
      edit('workflows/plans/failover.ts', "step: 'choose'", "step: 'choose-after-fence'")] },
  'newest-token-only': { mistake: 'a late invocation’s token takes the place of the one that wakes the sleeper (T48)',
    edits: [edit('adapters/waiting.ts', '[...tokens, ...more.tokens]', '[...more.tokens]')] },
  'operator-word-of-older-epoch-believed': { mistake: 'a person’s word is kept over a claim, and believed about whoever is to be fenced next (T54)',
    edits: [edit(lease, '      vouched: null,\n', ''),
      edit(rungs, 'if (vouched.epoch !== lease.epoch || vouched.node !== former)', 'if (nowMs < 0)'),
      edit(rungs, 'report.seen.version >= vouched.version && ', 'report.seen.version >= lease.version && ')] },
  'old-main-not-shunned': { mistake: 'a claim forgets to shun the former holder, which comes back by itself',
    edits: [edit(lease, '...shunHolder(lease),', '')] },
  // ---- data
  'stray-history-elected': { mistake: 'a backup that has left the main’s history is a candidate all the same (T33, T39)',
    edits: [edit('core/candidates.ts', 'if (!belongs(lease.lineage, report.engine, report.followed))', 'if (!belongs([], report.engine, report.followed))')] },
  'least-advanced-elected': { mistake: 'candidates are ranked the wrong way round',
    edits: [edit('core/candidates.ts', '(b.receivedBytes ?? 0) - (a.receivedBytes ?? 0)', '(a.receivedBytes ?? 0) - (b.receivedBytes ?? 0)')] },
  'no-barrier': { mistake: 'the hand-over does not wait until the candidate has everything',
    edits: [edit('workflows/steps/barrier.ts', 'received && received.bytes >= final.bytes && received.timeline === final.timeline ? received : null', 'received ?? final')] },
  'earlier-drain-taken-for-this-one': { mistake: 'the final position of an earlier drain passes for this one’s (T55)',
    edits: [edit('workflows/steps/drain.ts', "report && report.seen.version >= asked.value.version && report.state === 'draining' ? report.final : null", 'report?.final ?? report?.engine.received ?? null')] },
  // ---- workflow
  'stale-step-obeyed': { mistake: 'a late step of an older epoch is carried out (L5, T48, T57)',
    edits: [edit('workflows/run-step.ts', 'const stale = judgeStale(definition, context);', 'const stale = judgeStale(definition, context) && null;'),
      edit('adapters/address-vip.ts', 'if (epoch >= stored.value) return ok(undefined);', 'if (epoch >= 0 || stored.value < 0) return ok(undefined);'),
      edit('workflows/steps/move-vip.ts', 'if (lease.holder !== candidate) {', "if (candidate === '') {"),
      edit('workflows/steps/move-vip.ts', 'if (now.value?.epoch !== lease.epoch || now.value.holder !== candidate)', 'if (now.value === null)')] },
  'undo-after-the-point-of-no-return': { mistake: 'whatever fails is undone, however far it went (T51)',
    edits: [edit('workflows/interpreter.ts', "problem.family !== 'Halt' &&\n", "problem.family !== 'Retry' ||\n")] },
  'two-executions-for-one-failure': { mistake: 'each trigger claims anew, on the lease as it finds it (T49)',
    edits: [edit('workflows/steps/claim.ts', 'const unconditional = state.force === true ||', 'const unconditional = state.watched !== undefined ||'),
      edit('workflows/steps/verify.ts', 'lease.epoch === watched.epoch && lease.renewals === watched.renewals', 'watched.epoch > 0'),
      edit('core/clauses.ts', '!mustBeAwaited(lease) || nobodyElseOperates.test(lease, request)', 'lease.epoch > 0 || nobodyElseOperates.test(lease, request)')] },
  'running-operation-taken-over': { mistake: 'an operation is taken for abandoned though its execution runs (T50)',
    edits: [edit('workflows/steps/begin.ts', 'return running.ok && !running.value ? lease.operation.id : null;', 'return lease.operation.id;')] },
  'twin-invocation-not-recognised': { mistake: 'a second invocation of a step takes what the first has done for a conflict (T48)',
    edits: [edit('workflows/step.ts', 'if (already(lease)) return ok(lease);', '')] },
  'clean-stop-not-said': { mistake: 'a node that is stopped cleanly does not say so, and is failed over (T60)',
    edits: [edit('agent/agent.ts', "if (proven && decision.act === 'pause')", "if (proven && decision.act === 'pause' && !this.leaving)"),
      edit('agent/agent.ts', 'while (serving() && clock.nowMs() < endMs)', 'while (serving() && this.work.engine.running && clock.nowMs() < endMs)'),
      edit('agent/agent.ts', "await this.keeper.change('pause', { pausedBy: 'stop' });", '')] },
  'paused-taken-for-silent': { mistake: 'a paused cluster is taken over because it is silent (T60)',
    edits: [edit('agent/announcer.ts', "['held', 'granted', 'claimed'].includes(lease.phase)", "['held', 'granted', 'claimed', 'paused'].includes(lease.phase)"),
      edit('workflows/steps/verify.ts', "if (lease.phase === 'paused') {", "if (lease.phase === 'vacant') {")] },
  'hold-cleared-by-a-retry': { mistake: 'the end of any operation clears hold and shun, as if a recover had succeeded',
    edits: [edit(lease, "drain: lease.drain === 'transfer' ? null : lease.drain }),", "drain: lease.drain === 'transfer' ? null : lease.drain, hold: lease.operation?.kind === 'recover' ? null : lease.hold }),")] },
  'released-before-it-has-rejoined': { mistake: 'a shun is lifted before the node is a copy of the main',
    edits: [edit('workflows/steps/rejoin.ts', 'if (report?.rejoin?.operation === operation) return report.rejoin;', "return { operation, outcome: 'done', method: 'follow', evidence: null, message: '' };")] },
  // ---- traffic
  'vip-by-blind-upsert': { mistake: 'the VIP is taken from whoever has it (T43)',
    edits: [edit('adapters/memory/vip.ts', 'if (association)\n', 'if (association && held.size === 0)\n'),
      edit('adapters/address-vip.ts', 'if (node !== null && node !== from) return fail(heldBy(config, node, from));\n  const ended', 'const ended'),
      edit('adapters/address-vip.ts', 'if (epoch >= stored.value) return ok(undefined);', 'if (epoch >= 0 || stored.value < 0) return ok(undefined);'),
      edit('workflows/run-step.ts', "if (needs === 'epoch' && state.epoch !== lease.epoch) {", "if (needs === 'epoch' && state.epoch === undefined) {"),
      edit('workflows/steps/move-vip.ts', 'if (lease.holder !== candidate) {', "if (candidate === '') {"),
      edit('workflows/steps/move-vip.ts', 'if (now.value?.epoch !== lease.epoch || now.value.holder !== candidate)', 'if (now.value === null)')] },
  'vip-failure-ignored': { mistake: 'the VIP could not be moved, and the operation says done (T47)',
    edits: [edit('workflows/steps/move-vip.ts', 'if (!moved.ok) return fail(fromOutside(moved.error));', 'if (!moved.ok) context.note(moved.error.message);'),
      edit('workflows/steps/confirm.ts', 'if (seen === null) {', "if (seen === null) {\n    context.note('nobody could tell');\n    return ok({});\n  }\n  if (seen === null) {")] },
  // ---- the record
  'refusal-not-journaled': { mistake: 'only what succeeds is written down',
    edits: [edit('workflows/run-step.ts', 'await write(context, call.step, result,', 'if (result.ok) await write(context, call.step, result,')] },
  'decision-not-journaled': { mistake: 'an agent changes its mind and does not say why',
    edits: [edit('agent/agent.ts', "this.record('decision', decision.rule, decision.because);", '')] },
  'cut-off-and-never-told': { mistake: 'what a node decides while it is cut off never reaches the journal',
    edits: [edit('agent/recorder.ts', "if (!told.ok && told.error.code === 'Unreachable') await this.clock.sleep(this.everyMs);\n      else if", 'if')] },
  'loss-not-reported': { mistake: 'a takeover that loses writes does not say so (T27)',
    edits: [edit('workflows/steps/choose.ts', "if (kind === 'failover') await noteLoss(context, chosen);", '')] },
} as const satisfies Record<string, Mutant>;

export type MutantName = keyof typeof mutants;
