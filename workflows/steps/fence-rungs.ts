// The rungs of the fence ladder: what was just read, judged. Pure. A rung that cannot be looked at proves nothing (T19), and
// neither does a request (T11) or a word that is contradicted. Evidence is a sentence without counters: it changes only when
// what it tells of changes.

import type { OutsideProblem } from '../../core/errors';
import type { ClusterConfig, FenceRung, Lease, NodeName, NodeState, Report, Verdict } from '../../core/model';
import type { PowerState } from '../../core/ports';
import type { Result } from '../../core/result';
import { contenderWaitMs } from '../../core/timings';

export interface Look {
  config: ClusterConfig;
  /** As it was read last, a second ago at the most. */
  lease: Lease;
  former: NodeName;
  nowMs: number;
  /** Since when nobody can have renewed, on this step's clock; -Infinity when a contender watched the whole ttl. */
  silentSinceMs: number;
  report: Report | undefined;
  reports: readonly Report[];
  /** Null: not asked. */
  power: Result<PowerState, OutsideProblem> | null;
  /** Since when the instance has been seen `stopping`, without a break; null when it is not. */
  stoppingSinceMs: number | null;
  /** Why EC2 did not accept the last cut; null when it did, or was not asked. */
  notCut: string | null;
  /** Since when this look has known the person's word, on its own clock; null when there is none. */
  vouchedSinceMs: number | null;
}

export type Rung = (look: Look) => Verdict;

const proven = (how: FenceRung, evidence: string): Verdict => ({ verdict: 'PROVEN', how, evidence });
const unproven = (how: FenceRung, evidence: string): Verdict => ({ verdict: 'UNPROVEN', how, evidence });

/** What it takes a living agent to hear of something and to say what it makes of it, in ms. */
export const graceMs = ({ timings }: ClusterConfig): number => 2 * timings.heartbeatMs;

/** States that an agent takes only once nothing can bring its engine up again; not running alone proves nothing (T14). */
const provenStopped: readonly NodeState[] = ['shunned', 'fenced'];

const engineText = ({ engine }: Report): string => (engine.running ? 'engine running' : 'engine not running');

export const demoteAck: Rung = ({ lease, former, report }) => {
  if (!report) return unproven('demote-ack', `${former} has never reported`);
  const says = `${report.node} says at epoch ${report.seen.epoch}: ${report.state}`;
  if (report.seen.epoch >= lease.epoch && provenStopped.includes(report.state) && !report.engine.running)
    return proven('demote-ack', `${says}, engine stopped and verified`);
  const late = report.seen.epoch < lease.epoch ? ' and has said nothing since the claim' : '';
  return unproven('demote-ack', `${says}, ${engineText(report)}${late}`);
};

/**
 * failsafe: the main may go on beyond its ttl for as long as every other node has lost the store. One that has read the claim and
 * has no word outstanding is enough: without its word the main has stopped.
 */
const wentOnByWord = ({ config, lease, former, reports }: Look): boolean =>
  config.onStoreLoss === 'failsafe' &&
  !reports.some(({ node, seen, bound }) => node !== former && seen.epoch >= lease.epoch && bound === false);

/** What stops it: the gate needs no process of the node to live. */
const hold = ({ gate }: Report): string =>
  gate && gate.state !== 'absent' && gate.intact ? 'its deadman and its gate armed' : 'its deadman armed (no gate)';

/** A node with an armed deadman has stopped itself once a full ttl has passed that it cannot have renewed in (L2, L3). */
export const selfFence: Rung = (look) => {
  const { config, lease, former, report, nowMs, silentSinceMs } = look;
  const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
  if (report?.deadman !== 'armed')
    return unproven('self-fence', `the deadman of ${former} was ${report?.deadman ?? 'never reported'}, not armed`);
  if (nowMs - silentSinceMs < waitMs)
    return unproven('self-fence', `a full ttl of ${lease.ttlMs} ms has not passed since the claim`);
  if (wentOnByWord(look)) return unproven('self-fence', `${former} may go on by the word of the others`);
  return proven('self-fence', `${report.node} had ${hold(report)} and a full ttl of ${lease.ttlMs} ms has passed`);
};

const minuteMs = 60_000;

/** EC2 stops by force within a minute or two; beyond ten it asks to be called. */
function howLong(stoppingMs: number): string {
  if (stoppingMs < 2 * minuteMs) return '';
  return stoppingMs < 5 * minuteMs
    ? ' for more than 2 minutes'
    : ' for more than 5 minutes: after 10, AWS support has to look at its host';
}

export const powerOff: Rung = ({ config, former, power, nowMs, stoppingSinceMs, notCut }) => {
  const instance = `instance ${config.nodes.find(({ name }) => name === former)?.instanceId} of ${former}`;
  if (power === null) return unproven('power-off', `${instance} has not been asked about`);
  if (!power.ok && power.error.code === 'Unreachable')
    return unproven('power-off', `EC2 does not say what ${instance} is`);
  if (!power.ok) return unproven('power-off', `EC2 cannot be asked about ${instance}: ${power.error.message}`);
  const state = power.value;
  if (state === 'stopped' || state === 'terminated') return proven('power-off', `${instance} is ${state}`);
  const since = stoppingSinceMs === null ? '' : howLong(nowMs - stoppingSinceMs);
  return unproven('power-off', `${instance} is ${state}${since}${notCut === null ? '' : `; ${notCut}`}`);
};

/** A person's word counts for the node and the epoch that it was given for (T54), and not against what the node itself says since. */
export const operator: Rung = ({ config, lease, former, report, nowMs, vouchedSinceMs }) => {
  const { vouched } = lease;
  if (vouched === null) return unproven('operator', 'nobody has confirmed it');
  const word = `${vouched.by}: ${vouched.reason}`;
  if (vouched.epoch !== lease.epoch || vouched.node !== former)
    return unproven('operator', `the word of ${vouched.by} was given for ${vouched.node} at epoch ${vouched.epoch}`);
  if (report && report.seen.version >= vouched.version && report.engine.running)
    return unproven('operator', `${former} itself contradicts, its engine runs (${word})`);
  if (vouchedSinceMs === null || nowMs - vouchedSinceMs < graceMs(config))
    return unproven('operator', `${former} may still contradict (${word})`);
  return proven('operator', word);
};

const ladder: Record<FenceRung, Rung> = {
  'demote-ack': demoteAck,
  'self-fence': selfFence,
  'power-off': powerOff,
  operator,
};

/** Of every rung that the configuration allows, what the node itself can prove first. */
export const judgeAll = (look: Look): Verdict[] =>
  (Object.keys(ladder) as FenceRung[]).filter((how) => look.config.fence.includes(how)).map((how) => ladder[how](look));

export const sentenceOf = ({ verdict, how, evidence }: Verdict): string => `${verdict} by ${how}: ${evidence}`;
