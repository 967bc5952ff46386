// Asks the fleet's brake for a place before a cluster is claimed (T66). The port keeps count, core/brake.ts says how many there are.
// Must never hold a cluster because something went wrong here: no answer is asked for again, and a brake that is broken lets everybody pass.

import { attention } from '../core/attention';
import { type Brake, type BrakeState, isReleased, openWindow, placesIn } from '../core/brake';
import { type StepProblem, undo } from '../core/errors';
import type { Outside } from '../core/ports';
import { fail, ok } from '../core/result';
import { noticeSections } from '../core/runbook';
import { fromOutside, type StepContext } from './step';

/** Why this cluster has to wait for a person; null: go on. */
export async function heldByBrake(context: StepContext): Promise<StepProblem | null> {
  const { brake } = context.ports;
  if (brake === undefined) return null;
  const state = await placeTaken(context, brake);
  if (!state.ok) {
    if (state.error.code !== 'Broken') return fromOutside(state.error);
    // No retry mends it, and a failover that is not held is worth more than one that is not counted.
    context.note(`the brake is broken and holds nobody: ${state.error.message}; next: ${state.error.next}`);
    return null;
  }
  return state.value === null ? null : held(context, state.value);
}

/** Null: this cluster may go on. Otherwise the brake that holds it. */
async function placeTaken({ ports, config }: StepContext, brake: Brake): Outside<BrakeState | null> {
  const [place, first] = await Promise.all([brake.placeOf(config.name), brake.read()]);
  if (!place.ok) return place;
  let read = first;
  // Somebody else begins the window, or it ends in between: two rounds settle it.
  for (let round = 0; round < 4; round++) {
    if (!read.ok) return read;
    const state = read.value;
    const nowMs = Date.parse(ports.clock.wall());
    if (state === null || isReleased(state, nowMs)) return ok(null);
    const window = openWindow(state, nowMs);
    // T48, T59: a cluster counts once in a window, however often it is tried.
    if (window && window.id === place.value) return ok(null);
    if (window && window.taken >= placesIn(state)) return ok(state);
    const id = window?.id ?? ports.ids.next();
    const fresh = { id, endsAtMs: nowMs + state.limits.windowMs, taken: 1 };
    const taken = window ? await brake.take(id, placesIn(state)) : await brake.open(state.window, fresh);
    if (taken.ok) {
      // Without it a retry takes a second place: one too many is counted, and nobody waits for that.
      await brake.putPlace(config.name, id);
      return ok(null);
    }
    if (taken.error.code !== 'Refused') return taken;
    read = await brake.read();
  }
  return read.ok ? ok(read.value) : fail(read.error);
}

async function held(context: StepContext, state: BrakeState): Promise<StepProblem> {
  const { name } = context.config;
  const taken = state.window?.taken ?? 0;
  const message =
    `the brake holds ${name}: ${taken} of ${state.clusters} clusters have failed over by themselves within ` +
    `${Math.round(state.limits.windowMs / 60_000)} min, and ${placesIn(state)} may`;
  await page(context, state, message);
  return undo(
    'Braked',
    message,
    `look for what they have in common; then for all of them: mainstay brake release, or for this one: mainstay failover ${name}`,
    { taken, clusters: state.clusters, places: placesIn(state) },
  );
}

/** Once per window, whoever is the first to be held. */
async function page({ ports, config, lease, operation, note }: StepContext, state: BrakeState, message: string) {
  const windowId = state.window?.id ?? '';
  const mine = await ports.brake?.mayPage(windowId);
  if (!mine?.ok || !mine.value) return;
  const next = 'look for what they have in common: mainstay brake status';
  const problem = { Error: 'Undo.Braked', Cause: JSON.stringify({ code: 'Braked', message, next }) };
  const notice = { because: message, next, section: noticeSections.braked };
  const told = await ports.events.publish(
    attention(config.name, {
      ...notice,
      ...{ operation, problem, phase: lease.phase, epoch: lease.epoch, brake: { ...state } },
    }),
  );
  note(told.ok ? 'a person is told that the brake holds' : `a person could not be told: ${told.error.message}`);
}
