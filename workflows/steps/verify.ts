// failover: is the main really gone, may we act, and would it help? Decides nothing by itself: the claim is conditional on
// what was watched. Without a contender's observation it observes, waits a full ttl, and observes again (T9).

import { best, evaluate } from '../../core/candidates';
import { mustBeAwaited } from '../../core/clauses';
import { undo } from '../../core/errors';
import { judgeFlapping } from '../../core/flapping';
import type { Lease } from '../../core/model';
import { fail, ok } from '../../core/result';
import { contenderWaitMs } from '../../core/timings';
import { heldByBrake } from '../brake';
import { fromOutside, reportsOf, type StepContext, type StepDefinition, type StepResult, until } from '../step';
import { abandonedOperation } from './begin';
import { policyForbids } from './policy';

export const verify: StepDefinition = { needs: 'nothing', run };

async function run(context: StepContext): StepResult {
  const { config, state, lease } = context;
  if (state.to !== undefined && !config.nodes.some(({ name }) => name === state.to)) {
    return fail(undo('UnknownNode', `there is no node '${state.to}' in ${config.name}`, 'check the name'));
  }
  if (state.to !== undefined && lease.holder === state.to) {
    return fail(undo('AlreadyMain', `${state.to} is the main that would be failed over`, 'name another node'));
  }
  const refused = flaps(context) ?? notApproved(context);
  if (refused) return fail(refused);
  const free = await operationIsFree(context);
  if (!free) {
    const id = lease.operation?.id;
    const next = `wait for it: mainstay watch ${config.name} --operation ${id}`;
    return fail(undo('Busy', `operation ${id} is running`, next));
  }
  const evaluations = evaluate({
    config,
    lease,
    reports: await reportsOf(context),
    freshSince: null,
    mustStream: false,
    acceptLoss: state.acceptLoss ? state.to : undefined,
  });
  const candidate = best(config, evaluations);
  if (candidate === null) {
    const reasons = evaluations.map(({ node, because }) => `${node}: ${because}`).join('; ');
    return fail(undo('NoCandidate', `a failover cannot help, nobody could take over: ${reasons}`, 'mend a backup'));
  }
  const silent = await silence(context);
  if (!silent.ok) return silent;
  const forbidden = await policyForbids(context, 'failover', candidate.node);
  if (forbidden) return fail(forbidden);
  // Last, so that a place is taken by those only whose next step is the claim; a person is never held.
  const held = state.by === 'automatic' ? await heldByBrake(context) : null;
  return held ? fail(held) : silent;
}

/** T59: only what begins by itself is held back. */
function flaps({ state, config, lease, operation, ports }: StepContext) {
  if (state.by !== 'automatic') return null;
  const found = judgeFlapping(config.failovers, lease.attempts, { operation, now: ports.clock.wall() });
  if (!found) return null;
  const next =
    found.code === 'TooMany'
      ? `find out why, then: mainstay policy ${config.name} --acknowledge --reason …; or decide: mainstay failover ${config.name}`
      : `it is tried again when that is over; or decide yourself: mainstay failover ${config.name}`;
  return undo(found.code, `${config.name}: ${found.message}`, next);
}

/** The second person's name travels with the input: a plan's id binds both to the same state (T54). */
function notApproved({ state, config }: StepContext) {
  if (!state.acceptLoss || config.acceptLoss === 'one-person') return null;
  if (state.plan && state.approvedBy !== undefined && state.approvedBy !== state.by) return null;
  return undo(
    'NotApproved',
    `${config.name} loses acknowledged data only when a second person agrees, and ${state.by ?? 'nobody'} is one`,
    `ask with --accept-loss; another person answers: mainstay approve ${config.name} PLAN`,
  );
}

/** Waits for a running operation to end: its failure must not swallow the trigger (T49, T50). */
async function operationIsFree(context: StepContext): Promise<boolean> {
  const freed = await until(
    context,
    async () => {
      const read = await context.ports.leases.read(context.config.name);
      if (!read.ok || read.value === null) return null;
      const fresh = { ...context, lease: read.value };
      const { operation } = read.value;
      if (operation === null || operation.id === context.operation) return true;
      // A person who forces a healthy main out waits for whatever is under way.
      if (!context.state.force && !mustBeAwaited(read.value)) return true;
      return (await abandonedOperation(fresh)) === null ? null : true;
    },
    500,
  );
  return freed === true;
}

async function silence(context: StepContext): StepResult {
  const { ports, config, state } = context;
  const first = await ports.leases.read(config.name);
  if (!first.ok || first.value === null) return fail(fromOutside(first.ok ? broken(config.name) : first.error));
  const lease = first.value;
  const now = { epoch: lease.epoch, renewals: lease.renewals };
  if (lease.phase === 'abdicated') {
    context.note(`${lease.holder} gave the lease up: ${lease.fence?.evidence ?? 'no evidence'}`);
    return ok({ watched: { ...now, silentMs: 0, seenBy: lease.holder ?? '' } });
  }
  if (state.force) {
    context.note('forced by an operator: no silence is asked for, the fence is');
    return ok({ watched: { ...now, silentMs: 0, seenBy: state.by ?? 'operator' } });
  }
  if (lease.phase === 'paused') {
    return fail(
      undo(
        'Healthy',
        `${config.name} was stopped cleanly by its ${lease.pausedBy}: nobody takes over`,
        `mainstay resume ${config.name}`,
      ),
    );
  }
  const waitMs = contenderWaitMs({ ...config.timings, ttlMs: lease.ttlMs });
  // Whoever has watched for less than a full ttl has seen nothing yet (T1): then this step watches itself.
  if (state.watched && state.watched.silentMs >= waitMs) return judge(context, lease, state.watched);
  await ports.clock.sleep(waitMs);
  const second = await ports.leases.read(config.name);
  if (!second.ok || second.value === null) return fail(fromOutside(second.ok ? broken(config.name) : second.error));
  return judge(context, second.value, { ...now, silentMs: waitMs, seenBy: 'control-plane' });
}

function judge(
  context: StepContext,
  lease: Lease,
  watched: { epoch: number; renewals: number; silentMs: number; seenBy: string },
): Awaited<StepResult> {
  if (lease.epoch === watched.epoch && lease.renewals === watched.renewals) {
    context.note(`silent for ${Math.round(watched.silentMs)} ms at epoch ${lease.epoch}, seen by ${watched.seenBy}`, {
      watched,
    });
    return ok({ watched });
  }
  const automatic = context.state.by === 'automatic';
  return fail(
    automatic
      ? undo(
          'NotSilent',
          `the lease moved on: epoch ${lease.epoch}, renewal ${lease.renewals}`,
          'nothing to do: the main is alive',
        )
      : undo(
          'Healthy',
          `${lease.holder} is healthy and renews the lease`,
          'use switch, or failover --force if you must',
        ),
  );
}

const broken = (cluster: string) => ({
  code: 'Broken' as const,
  message: `the lease of ${cluster} has vanished`,
  next: 'restore the table from its backup before anything else',
});
