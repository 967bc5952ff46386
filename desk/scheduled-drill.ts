// A drill that the configuration asks for: within its window the role is moved to a backup and back again, as `mainstay drill` does it, and
// the journal says how long nobody could write. Level-triggered: each round looks at what the journal tells of this window's two
// switchovers and takes one step, so that it may run twice, late, or not at all. Must never begin on an ill cluster.

import { attention } from '../core/attention';
import { type DrillWindow, latestWindow } from '../core/drill';
import type { ClusterConfig, Lease } from '../core/model';
import { policyNow } from '../core/policy';
import type { Events } from '../core/ports';
import { noticeSections } from '../core/runbook';
import { leaseOf } from './cluster';
import type { Desk } from './desk';
import { judgeGap, longestGap } from './drill-gap';
import type { OperationInput } from './operations';
import { type Outcome, outcomeOf } from './outcome';
import { must } from './problems';

type Leg = Pick<Outcome, 'ended' | 'from' | 'to' | 'writeGap' | 'because'>;

export interface DrillScene {
  window: DrillWindow;
  lease: Lease;
  /** Null: the journal knows nothing of it. */
  there: Leg | null;
  back: Leg | null;
  /** Why none may begin now. */
  obstacles: readonly string[];
  rtoMs: number;
}

export type DrillStep =
  | { act: 'wait' }
  | { act: 'move'; leg: 'there' | 'back'; to: string | null }
  | { act: 'record'; met: boolean; longestGapMs: number | null; because: string };

const well = (leg: Leg): boolean => leg.ended === 'done' || leg.ended === 'degraded';
const wait: DrillStep = { act: 'wait' };
const failed = (because: string): DrillStep => ({ act: 'record', met: false, longestGapMs: null, because });

/** Pure: what is to be done now for this window, whose drill is not on record yet. */
export function nextDrillStep({ window, lease, there, back, obstacles, rtoMs }: DrillScene): DrillStep {
  if (there === null) {
    if (window.open) return obstacles.length === 0 ? { act: 'move', leg: 'there', to: null } : wait;
    return window.justOver
      ? failed(`the drill was not held: ${obstacles.join('; ') || 'it could not be begun'}`)
      : wait;
  }
  if (there.ended === 'running') return wait;
  if (!well(there)) return failed(`the drill has failed: its switchover was ${there.ended}: ${there.because}`);
  if (back === null) {
    if (lease.operation !== null) return wait;
    if (lease.holder === there.to && lease.phase === 'held') return { act: 'move', leg: 'back', to: there.from };
    return lease.holder === there.from
      ? measured([there], rtoMs)
      : failed(`the drill has stopped half-way: ${lease.holder ?? 'nobody'} is main, and ${there.to} was meant to be`);
  }
  if (back.ended === 'running') return wait;
  return well(back)
    ? measured([there, back], rtoMs)
    : failed(`the drill has failed: ${there.to} is still main, its switchover back was ${back.ended}: ${back.because}`);
}

function measured(legs: readonly Leg[], rtoMs: number): DrillStep {
  const way = legs.map(({ from, to }) => `${from} -> ${to}`).join(', ');
  const longestGapMs = longestGap(legs);
  const { met, text } = judgeGap(longestGapMs, rtoMs);
  const because = `drill, ${way}: ${text}`;
  return { act: 'record', met, longestGapMs, because };
}

/** What was done, or null. `notReady`: what stands in a failover's way. */
export async function drillAsConfigured(
  desk: Desk,
  events: Events,
  config: ClusterConfig,
  notReady: readonly string[],
): Promise<string | null> {
  const { name, drill } = config;
  const window = drill ? latestWindow(drill.window, desk.clock.wall()) : null;
  const lease = await leaseOf(desk, name);
  if (!drill || !window || !lease || lease.phase === 'vacant') return null;
  const id = `${name}-drill-${window.id}`;
  const told = (operation: string) => desk.journal.list(name, { operation }).then(must);
  if ((await told(id)).length > 0) return null;
  const [there, back] = await Promise.all(
    [`${id}-there`, `${id}-back`].map(async (operation) => {
      const entries = await told(operation);
      return entries.length === 0 ? null : outcomeOf(operation, entries);
    }),
  );
  const obstacles = [...(await held(desk, name)), ...notReady];
  const { rtoMs } = drill;
  const step = nextDrillStep({ window, lease, there: there ?? null, back: back ?? null, obstacles, rtoMs });
  if (step.act === 'wait') return null;
  if (step.act === 'record') return record(desk, events, { lease, id, step });
  const to = step.to ?? drill.to;
  const reason = `drill of ${drill.window}`;
  const input: OperationInput = { cluster: name, by: 'automatic', reason, ...(to ? { to } : {}) };
  must(await desk.operations.start('switchover', `${id}-${step.leg}`, input));
  return `${id}-${step.leg} is started`;
}

async function held(desk: Desk, cluster: string): Promise<string[]> {
  const { mode, by, reason } = policyNow(must(await desk.settings.policy(cluster)), desk.clock.wall());
  return mode === 'automatic' ? [] : [`policy ${mode} (${by}: ${reason})`];
}

/** Told first: a record ends the drill, and nobody would be told afterwards. */
async function record(
  desk: Desk,
  events: Events,
  given: { lease: Lease; id: string; step: Extract<DrillStep, { act: 'record' }> },
): Promise<string> {
  const { lease, id, step } = given;
  const { cluster, epoch } = lease;
  const { met, longestGapMs, because } = step;
  const next = `see where the time went, or what stood in its way: mainstay history ${cluster}`;
  if (!met) must(await events.publish(attention(cluster, { because, next, section: noticeSections.drill })));
  const at = desk.clock.wall();
  const entry = { cluster, at, epoch, operation: id, because, details: { longestGapMs, met } };
  must(await desk.journal.append({ ...entry, kind: 'event', actor: 'rounds', rule: 'drill' }));
  return because;
}
