// Nothing is promoted before this step has a proof that the former holder accepts no writes, and has recorded it on the
// lease. Rungs of the ladder that policy allows are looked at side by side; the first PROVEN wins, and every verdict that
// changes is journaled, so that one can read afterwards why nobody was promoted. Power is cut last, and polled slowly.

import { attention } from '../../core/attention';
import { halt, type StepProblem } from '../../core/errors';
import type { FenceProof, Lease, NodeName, Report, Verdict } from '../../core/model';
import { fail, ok } from '../../core/result';
import { haltSections } from '../../core/runbook';
import { changeLease, nodeOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';
import { graceMs, judgeAll, type Look, sentenceOf } from './fence-rungs';

export const fence: StepDefinition = { needs: 'epoch', run };

/** Reports are reads of our own table; after the first seconds nobody waits for a millisecond. */
const reportsEveryMs = (lookedMs: number): number => (lookedMs < 15_000 ? 50 : 1000);
/** EC2 gives an account 20 Describe calls a second, for everybody (T66). The lease is read as often. */
const slowEveryMs = 1000;
/** A cut that was throttled or lost is asked for again after 5 s, one that a person has to make possible after 30 s, and an accepted one after a minute. */
const cutAgainMs = { Unreachable: 5000, Refused: 5000, Broken: 30_000, accepted: 60_000 };
/** Within a minute EC2 has nearly always stopped an instance by force: from then on a person should know. */
const attentionAfterMs = 60_000;

/** One invocation's looking, from its first look to its deadline. */
interface Search {
  context: StepContext;
  look: Look;
  beganAtMs: number;
  slowAtMs: number;
  cutAtMs: number;
  mayCut: boolean | null;
  verdicts: readonly Verdict[];
  /** Sentences that are journaled, and problems that a person was told of. */
  told: Set<string>;
}

async function run(context: StepContext): StepResult {
  const { lease } = context;
  if (lease.fence) return ok(proven(context, lease.fence));
  if (lease.former === null) {
    return record(context, {
      node: '',
      epoch: lease.epoch,
      how: 'never-a-main',
      evidence: 'no node has held this lease',
    });
  }
  const search = begin(context, lease.former);
  const lookedMs = () => context.ports.clock.nowMs() - search.beganAtMs;
  const found = await until(
    context,
    () => look(search),
    () => reportsEveryMs(lookedMs()),
  );
  if (found && 'family' in found) return fail(found);
  if (found === null) return fail(gaveUp(search));
  return record(context, { node: lease.former, epoch: lease.epoch, ...found }, search.verdicts);
}

function begin(context: StepContext, former: NodeName): Search {
  const { ports, config, lease, state } = context;
  const nowMs = ports.clock.nowMs();
  const watchedAll = state.force !== true && (state.watched?.epoch ?? -1) === lease.epoch - 1;
  const silentSinceMs = watchedAll ? Number.NEGATIVE_INFINITY : nowMs;
  return {
    context,
    look: {
      config,
      lease,
      former,
      nowMs,
      silentSinceMs,
      report: undefined,
      reports: [],
      power: null,
      stoppingSinceMs: null,
      notCut: null,
      vouchedSinceMs: lease.vouched ? nowMs : null,
    },
    beganAtMs: nowMs,
    slowAtMs: nowMs,
    cutAtMs: Number.NEGATIVE_INFINITY,
    mayCut: null,
    verdicts: [],
    told: new Set(),
  };
}

/** The proof, or why there is nothing more to look for; null: look again. */
async function look(search: Search): Promise<Pick<FenceProof, 'how' | 'evidence'> | StepProblem | null> {
  const { context, look: seen } = search;
  const { clock, reports } = context.ports;
  const listed = await reports.list(context.config.name);
  if (listed.ok) seen.reports = listed.value;
  seen.report = seen.reports.find(({ node }) => node === seen.former);
  if (listed.ok) search.mayCut ??= powerMayBeCut(search, seen.report);
  const stale = clock.nowMs() - search.slowAtMs >= slowEveryMs ? await lookSlowly(search) : null;
  if (stale) return stale;
  seen.nowMs = clock.nowMs();
  search.verdicts = judgeAll(seen);
  const found = search.verdicts.find(({ verdict }) => verdict === 'PROVEN') ?? seen.lease.fence;
  if (found) return { how: found.how, evidence: found.evidence };
  // The first moments are the normal case: a node that is just about to answer.
  if (seen.nowMs - search.beganAtMs >= graceMs(context.config)) await tell(search);
  return listed.ok && isHopeless(seen) ? gaveUp(search) : null;
}

/** A node that can prove by itself that it stops keeps its evidence warm: its power is left on. */
function powerMayBeCut({ context: { config } }: Search, report: Report | undefined): boolean {
  const stopsItself = config.fence.includes('self-fence') && report?.deadman === 'armed';
  return config.fence.includes('power-off') && !stopsItself;
}

/** Nothing but a person's word could prove it, and there is none: waiting here would not bring it. */
const isHopeless = ({ config, report, lease }: Look): boolean =>
  !config.fence.includes('demote-ack') &&
  !config.fence.includes('power-off') &&
  !(config.fence.includes('self-fence') && report?.deadman === 'armed') &&
  lease.vouched === null;

/** The lease and EC2, once a second. */
async function lookSlowly(search: Search): Promise<StepProblem | null> {
  const { context, look: seen } = search;
  const { ports, config } = context;
  search.slowAtMs = ports.clock.nowMs();
  // Only where nothing was proven within two heartbeats: a power-off that lands after another rung's proof takes a node down
  // that may be on its way back.
  const mayAsk = config.fence.includes('power-off') && search.slowAtMs - search.beganAtMs >= graceMs(config);
  const [read] = await Promise.all([ports.leases.read(config.name), mayAsk ? lookAtPower(search) : null]);
  if (!read.ok || read.value === null) return null;
  const moved = goneOn(context, read.value);
  if (moved) return moved;
  seen.lease = read.value;
  seen.vouchedSinceMs = read.value.vouched === null ? null : (seen.vouchedSinceMs ?? ports.clock.nowMs());
  const lookedMs = ports.clock.nowMs() - search.beganAtMs;
  if (lookedMs >= attentionAfterMs) await tellPerson(search, `${seen.former} is still not proven stopped`);
  return null;
}

/** T54: whoever has looked for minutes must not go on in a world that has changed. */
function goneOn({ config, lease, operation }: StepContext, now: Lease): StepProblem | null {
  if (now.epoch === lease.epoch && now.operation?.id === operation) return null;
  const next = `nothing more is touched: see mainstay status ${config.name}`;
  return halt('StaleEpoch', `the lease has moved on to epoch ${now.epoch} while the fence was looked for`, next);
}

async function lookAtPower(search: Search): Promise<void> {
  const { context, look: seen, mayCut } = search;
  const { clock, power } = context.ports;
  const { instanceId } = nodeOf(context.config, seen.former);
  if (mayCut && clock.nowMs() >= search.cutAtMs) await cutPower(search, instanceId);
  seen.power = await power.state(instanceId, context.config.importance);
  const isStopping = seen.power.ok && seen.power.value === 'stopping';
  seen.stoppingSinceMs = isStopping ? (seen.stoppingSinceMs ?? clock.nowMs()) : null;
  if (!seen.power.ok && seen.power.error.code === 'Broken') await tellPerson(search, seen.power.error.message);
}

async function cutPower(search: Search, instanceId: string): Promise<void> {
  const { context, look: seen } = search;
  const asked = await context.ports.power.cut([instanceId], context.config.importance);
  const cut = asked.ok ? asked.value.get(instanceId) : asked;
  const problem = cut && !cut.ok ? cut.error : null;
  search.cutAtMs = context.ports.clock.nowMs() + cutAgainMs[problem?.code ?? 'accepted'];
  seen.notCut = problem === null || problem.code !== 'Broken' ? null : `it cannot be cut: ${problem.message}`;
  const gently = cut?.ok && cut.value === 'after-shutdown' ? ', after a clean shutdown: EC2 knows no other way' : '';
  noteOnce(
    search,
    problem
      ? `power-off of ${seen.former} failed: ${problem.message}`
      : `power-off of ${seen.former} asked for${gently}`,
  );
  // T19: a permission that is missing does not come by itself.
  if (problem?.code === 'Broken') await tellPerson(search, `${problem.message}; next: ${problem.next}`);
}

function noteOnce({ context, told }: Search, sentence: string): void {
  if (!told.has(sentence)) context.note(sentence);
  told.add(sentence);
}

/** Each verdict once in its words. */
async function tell({ context, verdicts, told }: Search): Promise<void> {
  const { ports, config, lease, operation } = context;
  for (const verdict of verdicts) {
    const because = sentenceOf(verdict);
    if (told.has(because)) continue;
    told.add(because);
    await ports.journal.append({
      cluster: config.name,
      at: ports.clock.wall(),
      kind: 'event',
      actor: 'step:fence',
      epoch: lease.epoch,
      operation,
      rule: 'verdict',
      because,
      details: { ...verdict },
    });
  }
}

/** At once, not at the deadline; the same problem once. */
async function tellPerson(search: Search, because: string): Promise<void> {
  const { context, told, verdicts } = search;
  if (told.has(`! ${because}`)) return;
  const { ports, config, lease, operation } = context;
  const notice = { because, next: nextFor(search), section: haltSections.Unproven };
  const more = { operation, epoch: lease.epoch, node: lease.former, verdicts };
  const published = await ports.events.publish(attention(config.name, { ...notice, ...more }));
  if (published.ok) told.add(`! ${because}`);
  noteOnce(search, `a person is told: ${because}`);
}

const nextFor = ({ context: { config }, look: { former } }: Search): string =>
  config.fence.includes('operator')
    ? `stop it, see that it is stopped, then: mainstay confirm-fenced ${config.name} --node ${former} --reason "..."`
    : 'stop it yourself and look: docs/runbook.md, "Unproven fence"';

function gaveUp(search: Search): StepProblem {
  const { look: seen, verdicts } = search;
  const why = verdicts.map(({ how, evidence }) => `${how}: ${evidence}`).join('; ');
  return halt('Unproven', `${seen.former} could not be proven stopped (${why})`, nextFor(search), { verdicts });
}

async function record(context: StepContext, proof: FenceProof, verdicts: readonly Verdict[] = []): StepResult {
  const written = await changeLease(context, 'prove', () => ({
    proof,
    epoch: proof.epoch,
    operation: context.lease.operation ?? undefined,
  }));
  return written.ok ? ok(proven(context, proof, verdicts)) : fail(written.error);
}

/** Whatever it has waited for is over: no problem goes on with the plan. */
function proven(context: StepContext, proof: FenceProof, verdicts: readonly Verdict[] = []) {
  const { how, evidence } = proof;
  context.note(`PROVEN by ${how}: ${evidence}`, { verdict: 'PROVEN', how, evidence, verdicts });
  return { proof, problem: undefined };
}
