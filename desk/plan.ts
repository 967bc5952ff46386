// What an operation would do, before it does it: who would become main and why, why not the others, the steps, how long
// nobody could write, what could be lost. A plan's id is made of the state that it was made from, so that it can be applied
// exactly or not at all; nothing is stored. Reads only.

import { createHash } from 'node:crypto';
import { best, type Evaluation, evaluate } from '../core/candidates';
import type { ClusterConfig, Lease, NodeName, Policy, Report } from '../core/model';
import { isTogether, type Plan } from '../core/plan';
import type { JournalEntry } from '../core/ports';
import { contenderWaitMs } from '../core/timings';
import { plans } from '../workflows/plans';
import { configOf, nodeIn, seatedLease } from './cluster';
import type { Desk } from './desk';
import { grouped, outcomeOf } from './outcome';
import { failure, must } from './problems';
import { byteText, countText } from './texts';
import { betweenMs } from './times';

export type PlannedKind = 'switchover' | 'failover';

export interface PlanRequest {
  cluster: string;
  kind: PlannedKind;
  to?: string | undefined;
  force?: boolean | undefined;
  acceptLoss?: boolean | undefined;
}

export interface PlannedStep {
  name: string;
  /** Runs when this step or a later one fails before the point of no return. */
  undo: string | null;
  pointOfNoReturn: boolean;
}

export interface OperationPlan {
  /** `7-db2-3f9a01bc77`: epoch, candidate, and a digest of everything that the plan was made from. */
  id: string;
  cluster: string;
  kind: PlannedKind;
  epoch: number;
  from: NodeName | null;
  /** null: nobody could be chosen. */
  candidate: NodeName | null;
  evaluations: Evaluation[];
  steps: PlannedStep[];
  expected: { writeGapMs: number; source: string };
  atRisk: string;
}

export interface PlanSources {
  config: ClusterConfig;
  lease: Lease;
  policy: Policy | null;
  reports: Report[];
  /** The journal, for what such an operation has taken before. */
  entries: JournalEntry[];
  /** Wall clock, ISO. */
  now: string;
}

const stepsOf = (plan: Plan): PlannedStep[] =>
  plan.entries.flatMap((entry) =>
    (isTogether(entry) ? [...entry.together] : [entry]).map(({ name, undo, pointOfNoReturn = false }) => ({
      name,
      undo: undo?.name ?? null,
      pointOfNoReturn,
    })),
  );

/** The same state gives the same id; a renewal or a report changes nothing, a candidate that is eligible no more does. */
function idOf(
  { kind, force, acceptLoss, cluster }: PlanRequest,
  sources: PlanSources,
  candidate: Evaluation | null,
  all: Evaluation[],
) {
  const { config, lease, policy } = sources;
  const { epoch, phase, holder, shunned, barred, hold, synced } = lease;
  const made = [
    [cluster, kind, force ?? false, acceptLoss ?? false, candidate?.node ?? null],
    [epoch, phase, holder, shunned, barred, hold, synced],
    all.filter(({ eligible }) => eligible).map(({ node }) => node),
    [policy?.mode ?? 'automatic', policy?.until ?? null],
    config,
  ];
  const digest = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 10);
  return `${epoch}-${candidate?.node ?? 'nobody'}-${digest}`;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Steps of a failover beside the wait, and a switchover's, as measured: README, "Figures". */
const stepsMs = 1_500;

function expected(kind: PlannedKind, { entries, config }: PlanSources): OperationPlan['expected'] {
  const gaps = grouped(entries).flatMap(({ operation, entries: own }) => {
    if (operation === null) return [];
    const outcome = outcomeOf(operation, own);
    return outcome.kind === kind && outcome.writeGap ? [outcome.writeGap.ms] : [];
  });
  if (gaps.length > 0)
    return { writeGapMs: median(gaps), source: `median of ${countText(gaps.length, kind)} of this cluster on record` };
  // A person's failover watches for itself; an automatic one begins when a backup has watched for as long.
  const waitMs = kind === 'failover' ? contenderWaitMs(config.timings) : 0;
  return { writeGapMs: waitMs + stepsMs, source: `no ${kind} on record: by the timings` };
}

function riskOf(kind: PlannedKind, { config, lease }: PlanSources, candidate: Evaluation | null): string {
  if (kind === 'switchover')
    return 'nothing: the candidate has everything before it takes over, or the switchover is undone';
  if (config.replication.mode !== 'async' && lease.synced.includes(candidate?.node ?? ''))
    return `no acknowledged write: commits wait for ${lease.synced.join(', ')}`;
  const behind = byteText(candidate?.lagBytes ?? null);
  return `${behind} by the last reports, and whatever the main acknowledges after them`;
}

/** Whatever it said last, it cannot be counted upon. */
export const hasFallenSilent = ({ config, now }: PlanSources, { at }: Report): boolean =>
  betweenMs(at, now) > 3 * config.timings.reportMs;

const spoken = (sources: PlanSources, evaluations: Evaluation[]): Evaluation[] =>
  evaluations.map((evaluation) => {
    const report = sources.reports.find(({ node }) => node === evaluation.node);
    return evaluation.eligible && report && hasFallenSilent(sources, report)
      ? { ...evaluation, eligible: false, because: `it has fallen silent: its last report is of ${report.at}` }
      : evaluation;
  });

function judgedWith(loss: NodeName | true | undefined, { kind, to }: PlanRequest, sources: PlanSources) {
  const { config, lease, reports } = sources;
  const mustStream = kind === 'switchover';
  const evaluations = spoken(
    sources,
    evaluate({ config, lease, reports, freshSince: null, mustStream, acceptLoss: loss }),
  );
  const named = evaluations.find(({ node }) => node === to);
  const candidate = named ? (named.eligible ? named : null) : best(config, evaluations);
  return { evaluations, candidate };
}

/** Loss is accepted of one node. Where none is named it is the one that would be chosen, and judged as if it had been named. */
function judged(request: PlanRequest, sources: PlanSources): ReturnType<typeof judgedWith> {
  const { acceptLoss, to } = request;
  if (!acceptLoss) return judgedWith(undefined, request, sources);
  if (to !== undefined) return judgedWith(to, request, sources);
  const first = judgedWith(true, request, sources);
  const node = first.candidate?.node;
  return node === undefined ? first : judgedWith(node, { ...request, to: node }, sources);
}

export function planFrom(request: PlanRequest, sources: PlanSources): OperationPlan {
  const { kind, cluster } = request;
  const { lease, config } = sources;
  // Of a node that is not there the best would be planned, and perhaps agreed to by a second person.
  if (request.to !== undefined) nodeIn(config, request.to);
  const { evaluations, candidate } = judged(request, sources);
  return {
    id: idOf(request, sources, candidate, evaluations),
    cluster,
    kind,
    epoch: lease.epoch,
    from: lease.holder,
    candidate: candidate?.node ?? null,
    evaluations,
    steps: stepsOf(plans[kind]),
    expected: expected(kind, sources),
    atRisk: riskOf(kind, sources, candidate),
  };
}

/** A year of operations of a quiet cluster. */
const rememberedEntries = 1000;

export async function sourcesOf(desk: Desk, cluster: string, journal = true): Promise<PlanSources> {
  const config = await configOf(desk, cluster);
  const lease = await seatedLease(desk, cluster);
  const [policy, reports, entries] = await Promise.all([
    desk.settings.policy(cluster).then(must),
    desk.reports.list(cluster).then(must),
    journal ? desk.journal.list(cluster, { limit: rememberedEntries }).then(must) : [],
  ]);
  return { config, lease, policy, reports, entries, now: desk.clock.wall() };
}

export const planOf = async (desk: Desk, request: PlanRequest): Promise<OperationPlan> =>
  planFrom(request, await sourcesOf(desk, request.cluster));

/** The plan of this id, made anew from the state as it is now; ends the command when that gives another plan. */
export async function planAgain(
  desk: Desk,
  asked: PlanRequest,
  id: string,
): Promise<OperationPlan & { candidate: NodeName }> {
  const parts = /^(\d+)-([a-z][a-z0-9-]*)-[0-9a-f]{10}$/.exec(id);
  if (!parts) throw failure('Usage', `'${id}' is no plan id`, `make a plan first: ${commandOf(asked)} --dry-run`);
  const [, epoch, node] = parts;
  if (asked.to !== undefined && asked.to !== node)
    throw failure('Usage', `plan ${id} is for ${node}, and --to says ${asked.to}`, 'leave --to out');
  const request = { ...asked, to: node };
  const sources = await sourcesOf(desk, asked.cluster);
  const plan = planFrom(request, sources);
  // Whether a node was named or chosen is no difference: the plan is the same.
  if (plan.id === id && plan.candidate !== null) return { ...plan, candidate: plan.candidate };
  refuseOtherFlags(request, sources, id);
  const what =
    plan.epoch !== Number(epoch)
      ? `it was made at epoch ${epoch}, and the epoch is ${plan.epoch}`
      : plan.candidate === null
        ? `${node} cannot become main now: ${plan.evaluations.find((e) => e.node === node)?.because ?? 'there is no such node'}`
        : 'policy, configuration, or who could take over has changed since';
  throw failure('PlanChanged', `plan ${id} is not applied: ${what}`, `look again: ${commandOf(asked)} --dry-run`);
}

const bothWays = [true, false];

/** Nothing has changed but the question: the plan comes out with the flags that it was made with. */
function refuseOtherFlags(request: PlanRequest, sources: PlanSources, id: string): void {
  const { kind, force = false, acceptLoss = false } = request;
  if (kind === 'switchover') return;
  const made = bothWays
    .flatMap((forced) => bothWays.map((lossy) => ({ ...request, force: forced, acceptLoss: lossy })))
    .find((other) => planFrom(other, sources).id === id);
  if (!made) return;
  const differing = [
    ...(made.force === force ? [] : [`${made.force ? 'with' : 'without'} force`]),
    ...(made.acceptLoss === acceptLoss ? [] : [`${made.acceptLoss ? 'with' : 'without'} acceptLoss`]),
  ];
  if (differing.length === 0) return;
  throw failure(
    'PlanChanged',
    `plan ${id} is not applied: it was made ${differing.join(' and ')}, unlike what is asked now`,
    `ask as it was made: ${commandOf(made)} --apply ${id}`,
  );
}

export const commandOf = ({ kind, cluster, force, acceptLoss }: PlanRequest): string =>
  `mainstay ${kind === 'switchover' ? 'switch' : 'failover'} ${cluster}${force ? ' --force' : ''}${acceptLoss ? ' --accept-loss' : ''}`;
