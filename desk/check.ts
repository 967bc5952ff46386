// Runs the first step of a plan here, read-only, so that the command line refuses in the same words as an execution and
// nothing is judged twice in two ways. Ports that would change anything refuse; the journal keeps nothing.

import type { Alarms, Outside, Power, Tasks, Vip } from '../core/ports';
import { fail, ok } from '../core/result';
import { runStep } from '../workflows/run-step';
import type { WorkflowState } from '../workflows/state';
import type { Ports } from '../workflows/step';
import { abandonedOn, seatedLease } from './cluster';
import type { Desk } from './desk';
import { executionsOf } from './operations';
import { must } from './problems';

export type FirstStep = 'preflight' | 'check-failback' | 'verify' | 'check-recover';

/**
 * A check looks once; but whether a node is well takes two reports, and who follows since a moment ago says so with its next. In ms. No
 * operation has an empty name.
 */
const patienceMs: Record<FirstStep, number> = {
  preflight: 10_000,
  'check-failback': 0,
  verify: 0,
  'check-recover': 10_000,
};

/** Ends the command with the step's own problem, or returns: the execution would get past its first step now. */
export async function checkFirst(desk: Desk, step: FirstStep, state: WorkflowState): Promise<void> {
  // verify would watch the main for a full ttl, which is the execution's task: forced, it checks all the rest.
  const asked = step === 'verify' ? { ...state, force: true } : state;
  const result = await runStep(readOnly(desk), { step, state: asked, operation: '', deadlineMs: patienceMs[step] });
  // One sentence for every operation that is running, whatever the step says of it, if anything.
  if (result.ok || result.error.code === 'Busy') await abandonedOn(desk, await seatedLease(desk, state.cluster));
  must(result);
}

const no = async (): Outside<never> =>
  fail({ code: 'Refused', message: 'a check changes nothing', next: 'start the operation' });

/** Where nobody's address is to be moved, no power cut, nobody woken, and no alarm looked at. */
export const noTasks: Tasks = { wake: no };
export const noAlarms: Alarms = { ringing: no };
export const noVip: Vip = { read: no, readMany: async () => new Map(), withdraw: no, move: no, verify: no };
export const noPower: Power = { state: no, states: no, cut: no, start: no };

export function readOnly({ leases, reports, settings, waits, operations, clock, ids, journal }: Desk): Ports {
  return {
    leases: { read: (cluster) => leases.read(cluster), swap: no },
    reports: { list: (cluster) => reports.list(cluster), put: no },
    settings: {
      clusters: () => settings.clusters(),
      config: (cluster) => settings.config(cluster),
      clusterOf: (instanceId) => settings.clusterOf(instanceId),
      policy: (cluster) => settings.policy(cluster),
      putConfig: no,
      putPolicy: no,
      swapPolicy: no,
    },
    journal: { list: (cluster, filter) => journal.list(cluster, filter), append: async () => ok(undefined) },
    executions: executionsOf({ operations, clock }),
    events: { publish: no },
    poker: { poke: no, redirect: no, stopEngine: no },
    power: noPower,
    waits: { read: (cluster) => waits.read(cluster), add: no },
    tasks: noTasks,
    vip: noVip,
    clock,
    ids,
  };
}
