// A drill that the configuration asks for: within its window the role is moved to a backup and back again, as `mainstay drill` does it, and
// the journal says how long nobody could write. Level-triggered: each round looks at what is known of this window's two switchovers and
// takes one step; it may run twice. Must never begin, or move the role back, on a cluster that is ill, held or at work, nor outside the
// window and the hour after it.

import { attention } from '../core/attention';
import { type DrillConfig, type DrillWindow, latestWindow } from '../core/drill';
import type { ClusterConfig, Lease } from '../core/model';
import type { Events, JournalEntry } from '../core/ports';
import { noticeSections } from '../core/runbook';
import { checkFirst } from './check';
import { leaseOf } from './cluster';
import type { Desk } from './desk';
import { judgeGap, longestGap } from './drill-gap';
import type { Execution, OperationInput } from './operations';
import { type Outcome, outcomeOf } from './outcome';
import { Failure, must } from './problems';
import { laterIso } from './times';

type Leg = Pick<Outcome, 'from' | 'to' | 'writeGap' | 'because'> & { ended: Outcome['ended'] | 'stopped' };

export interface DrillScene {
  window: DrillWindow;
  lease: Lease;
  /** Null: nothing is known of it. */
  there: Leg | null;
  back: Leg | null;
  /** Why the next switchover may not begin now. */
  obstacles: readonly string[];
  rtoMs: number;
}

export type DrillStep =
  | { act: 'wait' }
  | { act: 'move'; leg: 'there' | 'back' }
  | { act: 'record'; met: boolean; longestGapMs: number | null; because: string };

const well = (leg: Leg): boolean => leg.ended === 'done' || leg.ended === 'degraded';
const wait: DrillStep = { act: 'wait' };
const failed = (because: string): DrillStep => ({ act: 'record', met: false, longestGapMs: null, because });

/** Pure: what is to be done now for this window, which is open or just over, and whose drill is not on record yet. */
export function nextDrillStep({ window, lease, there, back, obstacles, rtoMs }: DrillScene): DrillStep {
  const why = obstacles.join('; ');
  if (there === null) {
    if (!window.open) return failed(`the drill was not held: ${why || 'it could not be begun'}`);
    return why === '' ? { act: 'move', leg: 'there' } : wait;
  }
  if (there.ended === 'running') return wait;
  if (!well(there)) return failed(`the drill has failed: its switchover was ${there.ended}: ${there.because}`);
  if (back === null) {
    if (lease.holder === there.from && lease.operation === null) return measured([there], rtoMs);
    if (lease.holder === there.to && why === '') return { act: 'move', leg: 'back' };
    if (lease.operation !== null || (window.open && lease.holder === there.to)) return wait;
    return failed(
      `the drill has stopped half-way: ${lease.holder ?? 'nobody'} is main and ${there.from} was before it${why && `; ${why}`}`,
    );
  }
  if (back.ended === 'running') return wait;
  return well(back)
    ? measured([there, back], rtoMs)
    : failed(`the drill has failed: ${there.to} is still main, its switchover back was ${back.ended}: ${back.because}`);
}

function measured(legs: readonly Leg[], rtoMs: number): DrillStep {
  const longestGapMs = longestGap(legs);
  const { met, text } = judgeGap(longestGapMs, rtoMs);
  const because = `drill, ${legs.map(({ from, to }) => `${from} -> ${to}`).join(', ')}: ${text}`;
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
  const now = desk.clock.wall();
  const window = drill ? latestWindow(drill.window, now) : null;
  if (!drill || !(window?.open || window?.justOver)) return null;
  const lease = await leaseOf(desk, name);
  if (lease === null || lease.phase === 'vacant') return null;
  const id = `${name}-drill-${window.id}`;
  const entries = must(await desk.journal.list(name, { since: laterIso(now, -window.sinceMs) }));
  if (entries.some(({ rule, details }) => rule === 'drill' && details?.drill === id)) return null;
  const [there, back] = [await legOf(desk, `${id}-there`, entries), await legOf(desk, `${id}-back`, entries)];
  const input = inputOf(config.name, drill, lease, there);
  const obstacles = [...(await beginning(desk, lease, input)), ...notReady];
  const step = nextDrillStep({ window, lease, there, back, obstacles, rtoMs: drill.rtoMs });
  if (step.act === 'wait') return null;
  if (step.act === 'record') return record(desk, events, { lease, id, step });
  must(await desk.operations.start('switchover', `${id}-${step.leg}`, input));
  return `${id}-${step.leg} is started`;
}

/** By the journal and by its execution, which may have died without a word. */
async function legOf(desk: Desk, name: string, all: readonly JournalEntry[]): Promise<Leg | null> {
  const entries = all.filter(({ operation }) => operation === name);
  const execution = must(await desk.operations.describe(name));
  if (execution === null && entries.length === 0) return null;
  const outcome = outcomeOf(name, entries, execution ? { execution } : {});
  return outcome.ended === 'running' && isDead(execution)
    ? { ...outcome, ended: 'stopped', because: `its execution ended as ${execution?.status}` }
    : outcome;
}

const isDead = (execution: Execution | null): boolean => execution !== null && execution.status !== 'RUNNING';

/** Back: to where it was. There: to the node of the configuration, unless it is the main already. */
function inputOf(cluster: string, drill: DrillConfig, lease: Lease, there: Leg | null): OperationInput {
  const wanted = drill.to === lease.holder ? undefined : drill.to;
  const to = there === null ? wanted : (there.from ?? undefined);
  return { cluster, by: 'automatic', reason: `drill of ${drill.window}`, ...(to === undefined ? {} : { to }) };
}

/** What its own first step would say, and a hold that nobody has looked at. */
async function beginning(desk: Desk, { hold }: Lease, input: OperationInput): Promise<string[]> {
  const held = hold ? [`there is a hold: ${hold.reason}`] : [];
  try {
    await checkFirst(desk, 'preflight', input);
    return held;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [...held, error.problem.message];
  }
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
  const details = { drill: id, longestGapMs, met };
  const entry = { cluster, at: desk.clock.wall(), epoch, operation: null, because, details };
  must(await desk.journal.append({ ...entry, kind: 'event', actor: 'rounds', rule: 'drill' }));
  return because;
}
