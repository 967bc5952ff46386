// Nothing is promoted before this step has a proof that the former holder accepts no writes, and has recorded it on the
// lease. Rungs of the ladder that policy allows are looked at side by side, power-off last; the first PROVEN wins. A rung
// that cannot be looked at proves nothing (T19), and neither does a request (T11).

import { halt } from '../../core/errors';
import type { FenceHow, FenceProof, NodeName, NodeState, Report } from '../../core/model';
import { fail, ok } from '../../core/result';
import { contenderWaitMs } from '../../core/timings';
import { changeLease, nodeOf, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';

export const fence: StepDefinition = { needs: 'epoch', run };

interface Look {
  context: StepContext;
  former: NodeName;
  /** Since when nobody can have renewed, on this step's clock; -Infinity when a contender watched the whole ttl. */
  silentSinceMs: number;
  report: Report | undefined;
  reports: readonly Report[];
}

type Rung = (look: Look) => Promise<{ how: FenceHow; evidence: string } | null>;

async function run(context: StepContext): StepResult {
  const { ports, lease, state } = context;
  if (lease.fence) return ok(proven(context, lease.fence));
  if (lease.former === null) {
    return record(context, {
      node: '',
      epoch: lease.epoch,
      how: 'never-a-main',
      evidence: 'no node has held this lease',
    });
  }
  const former = lease.former;
  const watchedAll = state.force !== true && (state.watched?.epoch ?? -1) === lease.epoch - 1;
  const silentSinceMs = watchedAll ? Number.NEGATIVE_INFINITY : ports.clock.nowMs();
  const look = (rungs: readonly Rung[], deadlineAtMs: number) =>
    until({ ports, deadlineAtMs }, async () => {
      const reports = await reportsOf(context);
      const report = reports.find(({ node }) => node === former);
      for (const rung of rungs) {
        const proof = await rung({ context, former, silentSinceMs, report, reports });
        if (proof) return proof;
      }
      return null;
    });
  const gentle = await gentleRungs(context, former);
  const mayCut = context.config.fence.includes('power-off') && !gentle.includes(selfFence);
  const graceMs = 2 * context.config.timings.heartbeatMs;
  const found =
    (await look(gentle, mayCut ? ports.clock.nowMs() + graceMs : context.deadlineAtMs)) ??
    (mayCut && (await cutPower(context, former)) ? await look([...gentle, powerOff], context.deadlineAtMs) : null);
  if (found === null) {
    return fail(
      halt(
        'Unproven',
        `${former} could not be proven stopped by ${context.config.fence.join(', ')}`,
        'stop it yourself and look: docs/runbook.md, "Unproven fence"',
      ),
    );
  }
  return record(context, { node: former, epoch: lease.epoch, ...found });
}

/** What a node can prove by itself: it needs no more than a look. */
async function gentleRungs({ config, ports }: StepContext, former: NodeName): Promise<Rung[]> {
  const report = (await reportsOf({ config, ports })).find(({ node }) => node === former);
  return [
    ...(config.fence.includes('demote-ack') ? [demoteAck] : []),
    ...(config.fence.includes('self-fence') && report?.deadman === 'armed' ? [selfFence] : []),
  ];
}

/**
 * Only where the gentle rungs proved nothing within two heartbeats: a node that stops itself keeps its evidence warm, and
 * a power-off that lands after another rung's proof takes a node down that may be on its way back.
 */
async function cutPower({ config, ports, note }: StepContext, former: NodeName): Promise<true> {
  const cut = await ports.power.cut(nodeOf(config, former).instanceId);
  note(cut.ok ? `power-off of ${former} asked for` : `power-off of ${former} failed: ${cut.error.message}`);
  return true;
}

/** States that an agent takes only once nothing can bring its engine up again; not running alone proves nothing (T14). */
const provenStopped: readonly NodeState[] = ['shunned', 'fenced'];

const demoteAck: Rung = async ({ context, report }) =>
  report && report.seen.epoch >= context.lease.epoch && provenStopped.includes(report.state) && !report.engine.running
    ? {
        how: 'demote-ack',
        evidence: `${report.node} says at epoch ${report.seen.epoch}: ${report.state}, engine stopped and verified`,
      }
    : null;

/**
 * failsafe: the main may go on beyond its ttl for as long as every other node has lost the store. One that has read the claim and
 * has no word outstanding is enough: without its word the main has stopped.
 */
const wentOnByWord = ({ config, lease }: StepContext, former: NodeName, reports: readonly Report[]): boolean =>
  config.onStoreLoss === 'failsafe' &&
  !reports.some(({ node, seen, bound }) => node !== former && seen.epoch >= lease.epoch && bound === false);

/** A node with an armed deadman has stopped itself once a full ttl has passed that it cannot have renewed in (L2, L3). */
const selfFence: Rung = async ({ context, former, report, reports, silentSinceMs }) => {
  const { ports, config, lease } = context;
  const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
  if (report?.deadman !== 'armed' || ports.clock.nowMs() - silentSinceMs < waitMs) return null;
  if (wentOnByWord(context, former, reports)) return null;
  return {
    how: 'self-fence',
    evidence: `${report.node} had ${hold(report)} and a full ttl of ${lease.ttlMs} ms has passed`,
  };
};

/** What stops it: the gate needs no process of the node to live. */
const hold = ({ gate }: Report): string =>
  gate && gate.state !== 'absent' && gate.intact ? 'its deadman and its gate armed' : 'its deadman armed (no gate)';

const powerOff: Rung = async ({ context, former }) => {
  const { instanceId } = nodeOf(context.config, former);
  const state = await context.ports.power.state(instanceId);
  if (!state.ok || (state.value !== 'stopped' && state.value !== 'terminated')) return null;
  return { how: 'power-off', evidence: `instance ${instanceId} of ${former} is ${state.value}` };
};

async function record(context: StepContext, proof: FenceProof): StepResult {
  const written = await changeLease(context, 'prove', () => ({
    proof,
    epoch: proof.epoch,
    operation: context.lease.operation ?? undefined,
  }));
  return written.ok ? ok(proven(context, proof)) : fail(written.error);
}

function proven(context: StepContext, proof: FenceProof) {
  context.note(`PROVEN by ${proof.how}: ${proof.evidence}`, { how: proof.how });
  return { proof };
}
