// Nothing is promoted before this step has a proof that the former holder accepts no writes, and has recorded it on the
// lease. Rungs of the ladder that policy allows are looked at side by side; the first PROVEN wins. A rung that cannot be
// looked at proves nothing (T19), and neither does a request (T11).

import { halt } from '../../core/errors';
import type { FenceHow, FenceProof, NodeName, Report } from '../../core/model';
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
  const rungs = await ladder(context, former);
  const found = await until(context, async () => {
    const report = (await reportsOf(context)).find(({ node }) => node === former);
    for (const rung of rungs) {
      const proof = await rung({ context, former, silentSinceMs, report });
      if (proof) return proof;
    }
    return null;
  });
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

/** Power is cut only where the gentler rungs cannot prove anything: a node that stops itself keeps its evidence warm. */
async function ladder({ config, ports, note, ...context }: StepContext, former: NodeName): Promise<Rung[]> {
  const rungs: Rung[] = [];
  const report = (await reportsOf({ config, ports })).find(({ node }) => node === former);
  if (config.fence.includes('demote-ack')) rungs.push(demoteAck);
  if (config.fence.includes('self-fence') && report?.deadman === 'armed') return [...rungs, selfFence];
  if (!config.fence.includes('power-off')) return rungs;
  const { instanceId } = nodeOf(config, former);
  const cut = await ports.power.cut(instanceId);
  note(cut.ok ? `power-off of ${former} asked for` : `power-off of ${former} failed: ${cut.error.message}`, {
    operation: context.operation,
  });
  return [...rungs, powerOff];
}

const demoteAck: Rung = async ({ context, report }) =>
  report && report.seen.epoch >= context.lease.epoch && !report.engine.running && !report.engine.writable
    ? {
        how: 'demote-ack',
        evidence: `${report.node} says at epoch ${report.seen.epoch}: ${report.state}, engine stopped and verified`,
      }
    : null;

/** A node with an armed deadman has stopped itself once a full ttl has passed that it cannot have renewed in (L2, L3). */
const selfFence: Rung = async ({ context, report, silentSinceMs }) => {
  const { ports, config, lease } = context;
  const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
  if (report?.deadman !== 'armed' || ports.clock.nowMs() - silentSinceMs < waitMs) return null;
  return {
    how: 'self-fence',
    evidence: `${report.node} had its deadman armed and a full ttl of ${lease.ttlMs} ms has passed`,
  };
};

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
