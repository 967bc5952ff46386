// Is it safe now, what would happen if the main died this second, and why did it (not) fail over the last time? Judged by the
// same pure functions as the workflows use, over what the table holds. Pure but for the reads: nothing acts on it.

import { type BrakeState, isHeld, openWindow, placesIn } from '../core/brake';
import { best, evaluate } from '../core/candidates';
import type { OutsideProblem } from '../core/errors';
import { judgeFlapping } from '../core/flapping';
import type { NodeName, Report } from '../core/model';
import { policyNow } from '../core/policy';
import type { JournalEntry, Outside } from '../core/ports';
import { ok, type Result } from '../core/result';
import { contenderWaitMs } from '../core/timings';
import type { Desk } from './desk';
import { grouped, type Outcome, outcomeOf } from './outcome';
import { type PlanSources, sourcesOf } from './plan';
import { byteText, durationText } from './texts';
import { betweenMs } from './times';

export interface Finding {
  /** `danger`: a failover would not work or would lose data; `warning`: it would, with less than is usual. */
  level: 'danger' | 'warning';
  what: string;
  next: string;
}

export interface Explanation {
  cluster: string;
  safe: boolean;
  /** Worst first; empty when all is well. */
  findings: Finding[];
  /** What would happen if the main died this second, in order. */
  ifMainDied: { step: string; because: string }[];
  /** Who would take over, and what would be lost. */
  winner: NodeName | null;
  last: { operation: string | null; ended: string; at: string; sentences: { rule: string; because: string }[] } | null;
}

export interface ExplainSources extends PlanSources {
  /** The fleet's brake, where it could hold this cluster: null when there is none, or the cluster has its place already. */
  brake?: Result<BrakeState | null, OutsideProblem>;
}

/** All that a judgement of one cluster needs, its surroundings included. */
export async function explainSourcesOf(
  desk: Desk,
  cluster: string,
  { journal = true }: { journal?: boolean } = {},
): Promise<ExplainSources> {
  const [sources, brake] = await Promise.all([sourcesOf(desk, cluster, journal), brakeOver(desk, cluster)]);
  return { ...sources, brake };
}

async function brakeOver({ brake, clock }: Desk, cluster: string): Outside<BrakeState | null> {
  const [state, place] = await Promise.all([brake.read(), brake.placeOf(cluster)]);
  if (!state.ok || state.value === null) return state;
  if (!place.ok) return place;
  return ok(openWindow(state.value, Date.parse(clock.wall()))?.id === place.value ? null : state.value);
}

type Look = (sources: ExplainSources) => Finding[];

const danger = (what: string, next: string): Finding => ({ level: 'danger', what, next });
const warning = (what: string, next: string): Finding => ({ level: 'warning', what, next });

const heard = ({ config, now }: ExplainSources, { at }: Report): boolean =>
  betweenMs(at, now) <= 3 * config.timings.reportMs;

const serving: Look = ({ lease, config }) => {
  if (lease.phase === 'held' || lease.phase === 'granted') return [];
  if (lease.phase === 'paused')
    return [
      warning(
        `the service is stopped cleanly (by ${lease.pausedBy}): nobody takes over`,
        `mainstay resume ${config.name}`,
      ),
    ];
  return [danger(`nobody is main: the lease is ${lease.phase}`, 'docs/runbook.md, "Unproven fence" and "Nobody left"')];
};

const policyAllows: Look = ({ policy, now, config }) => {
  const { mode, until, by, reason } = policyNow(policy, now);
  const set = `policy ${mode}${until ? ` until ${until}` : ''} (${by}: ${reason})`;
  const back = `mainstay policy ${config.name} automatic --reason …`;
  if (mode === 'automatic') return [];
  return [
    mode === 'manual'
      ? warning(`${set}: a lost main waits for a person`, back)
      : danger(`${set}: nothing would be done`, back),
  ];
};

/** Both hold back only what begins by itself: with another policy nothing does. */
const beginsByItself = ({ policy, now }: ExplainSources): boolean => policyNow(policy, now).mode === 'automatic';

const mayFailOverAgain: Look = (sources) => {
  const { config, lease, now } = sources;
  const flapping = judgeFlapping(config.failovers, lease.attempts, { operation: '', now });
  if (!flapping || !beginsByItself(sources)) return [];
  const next =
    flapping.code === 'TooMany' ? `mainstay policy ${config.name} --acknowledge --reason …` : 'wait until it is over';
  return [danger(`an automatic failover would be refused (Undo.${flapping.code}): ${flapping.message}`, next)];
};

const brakeLetsPass: Look = (sources) => {
  const { brake, now } = sources;
  if (brake === undefined || !beginsByItself(sources)) return [];
  if (!brake.ok) return [warning(`the fleet's brake could not be read: ${brake.error.message}`, brake.error.next)];
  if (brake.value === null || !isHeld(brake.value, Date.parse(now))) return [];
  return [
    danger(
      `an automatic failover would be refused (Undo.Braked): the fleet's brake holds, ${placesIn(brake.value)} clusters have failed over by themselves`,
      'mainstay brake status',
    ),
  ];
};

const somebodyEligible: Look = (sources) => {
  const { config, lease, reports } = sources;
  const evaluations = evaluate({ config, lease, reports, freshSince: null, mustStream: false });
  const others = evaluations.filter(({ node }) => node !== lease.holder);
  const heardFrom = (node: NodeName) => reports.some((report) => report.node === node && heard(sources, report));
  const able = others.filter(({ node, eligible }) => eligible && heardFrom(node));
  if (able.length === 0)
    return [
      danger(
        `nobody could take over: ${others.map(({ node, eligible, because }) => `${node}: ${eligible ? 'silent' : because}`).join('; ')}`,
        'mend one of them',
      ),
    ];
  const unable = others.filter((evaluation) => !able.includes(evaluation));
  return unable.map(({ node, eligible, because }) =>
    warning(
      `${node} could not take over: ${eligible ? 'it has fallen silent' : because}`,
      `mainstay status ${config.name}`,
    ),
  );
};

const held: Look = ({ lease, config }) =>
  lease.hold
    ? [warning(`hold since epoch ${lease.hold.epoch}: ${lease.hold.reason}`, `mainstay hold ls ${config.name}`)]
    : [];

const underWay: Look = ({ lease, config }) =>
  lease.operation
    ? [
        warning(
          `${lease.operation.kind} ${lease.operation.id} by ${lease.operation.by} is under way`,
          `mainstay watch ${config.name} --operation ${lease.operation.id}`,
        ),
      ]
    : [];

const replicates: Look = ({ lease, config }) => {
  if (config.replication.mode === 'async' || lease.phase !== 'held') return [];
  if (lease.synced.length > 0) return [];
  return [
    danger(
      'degraded: commits wait for nobody, and nobody may take over by itself',
      `bring a backup back into the stream: mainstay status ${config.name}`,
    ),
  ];
};

const selfStopping: Look = (sources) =>
  sources.reports
    .filter((report) => heard(sources, report))
    .flatMap(({ node, deadman, gate, state }) => [
      ...(state === 'main' && deadman !== 'armed'
        ? [
            danger(
              `the deadman of ${node} is ${deadman}: only power-off could prove it stopped`,
              `see agent.log on ${node}`,
            ),
          ]
        : []),
      ...(gate && (gate.state === 'absent' || !gate.intact)
        ? [
            warning(
              `${node} has no gate in its kernel: ${gate.problem ?? 'see its agent.log'}`,
              'docs/configuration.md, "gate"',
            ),
          ]
        : []),
    ]);

const sameVersion: Look = ({ reports }) => {
  const versions = [...new Set(reports.map(({ agentVersion }) => agentVersion))];
  return versions.length > 1
    ? [warning(`agents of different versions: ${versions.join(', ')}`, 'finish the upgrade (T65)')]
    : [];
};

/** Wall clocks decide nothing; ages that people read, and pokes that expire, come from them. */
const clocksAgree: Look = ({ reports, now }) =>
  reports
    .filter(({ at }) => Date.parse(at) - Date.parse(now) > 5_000)
    .map(({ node, at }) => warning(`the clock of ${node} is ahead: it reported at ${at}`, 'check its time service'));

const logicalSlots: Look = ({ reports, lease }) => {
  const slots = reports.find(({ node }) => node === lease.holder)?.engine.logicalSlots ?? [];
  return slots.length > 0
    ? [
        warning(
          `logical slots do not move with the role: ${slots.join(', ')}`,
          'their consumers need new ones after a move',
        ),
      ]
    : [];
};

const looks: readonly Look[] = [
  ...[serving, policyAllows, mayFailOverAgain, brakeLetsPass, somebodyEligible, replicates, selfStopping],
  ...[held, underWay, sameVersion, clocksAgree, logicalSlots],
];

export const findingsOf = (sources: ExplainSources): Finding[] =>
  looks.flatMap((look) => look(sources)).sort((a, b) => Number(b.level === 'danger') - Number(a.level === 'danger'));

const rungs: Record<string, string> = {
  'demote-ack': 'its agent says that it is stopped',
  'self-fence': 'it stopped itself: deadman and gate, once the full ttl is over',
  'power-off': 'EC2 says stopped or terminated',
  operator: 'a person confirms it',
};

function ifMainDied(sources: ExplainSources, winner: NodeName | null): Explanation['ifMainDied'] {
  const { config, lease, policy, reports, now } = sources;
  const { mode } = policyNow(policy, now);
  const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
  const seen = {
    step: 'noticed',
    because: `after ${durationText(waitMs)} of silence, watched by each backup on its own clock`,
  };
  if (mode !== 'automatic')
    return [seen, { step: 'not acted upon', because: `policy ${mode}: mainstay failover ${config.name}` }];
  const [refused] = [...mayFailOverAgain(sources), ...brakeLetsPass(sources)].filter(({ level }) => level === 'danger');
  if (refused) return [seen, { step: 'refused', because: refused.what }];
  const ways = config.fence.map((rung) => rungs[rung] ?? rung).join(', or ');
  const fenced = { step: 'fenced', because: `${lease.holder ?? 'nobody'} must be proven stopped first: ${ways}` };
  if (winner === null) return [seen, { step: 'refused', because: 'nobody could take over (Undo.NoCandidate)' }];
  const chosen = evaluate({ config, lease, reports, freshSince: null, mustStream: false }).find(
    ({ node }) => node === winner,
  );
  const risk =
    config.replication.mode !== 'async' && lease.synced.length > 0
      ? 'no acknowledged write is lost'
      : `lost would be ${byteText(chosen?.lagBytes ?? null)} by the last reports, and what was acknowledged after them`;
  return [
    seen,
    fenced,
    { step: 'promoted', because: `${winner}: ${chosen?.because}` },
    { step: 'data', because: risk },
    {
      step: 'afterwards',
      because: `${lease.holder} stays out with its data untouched: mainstay recover ${config.name} ${lease.holder}`,
    },
  ];
}

const refusals = (entries: readonly JournalEntry[]) => entries.filter(({ kind }) => kind === 'refusal');

/** The last failover that was tried, whatever became of it: why it did, or why it did not. */
function lastFailover(entries: readonly JournalEntry[]): Explanation['last'] {
  const found = grouped(entries)
    .filter(({ operation }) => operation !== null)
    .map(({ operation, entries: own }): [Outcome, JournalEntry[]] => [outcomeOf(operation ?? '', own), own])
    .findLast(([{ kind }]) => kind === 'failover');
  if (!found) return null;
  const [{ operation, ended, startedAt, kind }, own] = found;
  const told = ended === 'done' || ended === 'degraded' ? own : refusals(own);
  return {
    operation: kind ? operation : null,
    ended,
    at: startedAt ?? '',
    sentences: (told.length > 0 ? told : own).map(({ rule, because }) => ({ rule, because })),
  };
}

export function explanationOf(sources: ExplainSources): Explanation {
  const { config, lease, reports, entries } = sources;
  const findings = findingsOf(sources);
  const speaking = reports.filter((report) => heard(sources, report));
  const evaluations = evaluate({ config, lease, reports: speaking, freshSince: null, mustStream: false });
  const winner = best(config, evaluations)?.node ?? null;
  return {
    cluster: config.name,
    safe: !findings.some(({ level }) => level === 'danger'),
    findings,
    ifMainDied: ifMainDied(sources, winner),
    winner,
    last: lastFailover(entries),
  };
}
