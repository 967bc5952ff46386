// A trigger in, and what comes of it: finds the cluster and the node, reads the lease, decides by the table (core/triggers.ts), acts, and
// writes down why it did or did not. Never claims anything itself, and a trigger that comes twice does nothing twice but tell (T49, T67).

import { attention } from '../core/attention';
import type { ClusterConfig, Lease, NodeName } from '../core/model';
import type { Outside } from '../core/ports';
import { fail, ok } from '../core/result';
import { noticeSections } from '../core/runbook';
import { type Decision, decideTrigger, executionName, standingOf, type Trigger } from '../core/triggers';
import type { WorkflowState } from './state';
import type { Ports } from './step';

export interface Acts {
  /** Starts an execution of this name; false when the name is taken: then it has been started. */
  start: (kind: 'failover' | 'switchover', name: string, input: WorkflowState) => Outside<boolean>;
  /** Has a failover look at its fence now, that waits for this node to be off; false when none waits. */
  wake: (cluster: string, node: NodeName, instanceId: string) => Outside<boolean>;
}

export type DispatchPorts = Pick<Ports, 'settings' | 'leases' | 'journal' | 'events' | 'clock'>;

export interface Dispatched extends Decision {
  cluster: string | null;
  node: NodeName | null;
  /** Name of the execution, when the decision is to have one. */
  execution?: string;
  /** It was this trigger that started it. */
  started?: boolean;
}

interface Subject {
  cluster: string;
  config: ClusterConfig | null;
  node: NodeName | null;
  lease: Lease | null;
}

const stranger = { rule: 'D220', act: 'nothing', because: 'the instance is no node of any cluster' } as const;

export async function dispatch(ports: DispatchPorts, trigger: Trigger, acts: Acts): Outside<Dispatched> {
  const found = await subjectOf(ports, trigger);
  if (!found.ok) return found;
  if (found.value === null) return ok({ cluster: null, node: null, ...stranger });
  const { cluster, node, lease } = found.value;
  const ageMs = Date.parse(ports.clock.wall()) - Date.parse(trigger.event.time);
  const decision = decideTrigger({ trigger, standing: standingOf(lease, node), lease, ageMs });
  const done = await act(ports, trigger, found.value, decision, acts);
  if (!done.ok) return done;
  const dispatched = { cluster, node, ...decision, ...done.value };
  // The agents repeat theirs each second; the execution's own entries tell of it.
  if (!trigger.observed) await note(ports, trigger, found.value, dispatched);
  return ok(dispatched);
}

/**
 * The fast road needs no look at the table: what was watched is in the event. For the others the index only hints at the cluster: the
 * configuration says whether that instance is still a node of it.
 */
async function subjectOf({ settings, leases }: DispatchPorts, trigger: Trigger): Outside<Subject | null> {
  if (trigger.observed) return ok({ cluster: trigger.cluster ?? '', config: null, node: null, lease: null });
  const at = trigger.cluster ? ok(trigger.cluster) : await settings.clusterOf(trigger.instanceId ?? '');
  if (!at.ok || at.value === null) return at as Awaited<Outside<null>>;
  const cluster = at.value;
  const [config, lease] = await Promise.all([settings.config(cluster), leases.read(cluster)]);
  if (!config.ok) return config;
  if (!lease.ok) return lease;
  const node = config.value?.nodes.find(({ instanceId }) => instanceId === trigger.instanceId)?.name ?? null;
  if (config.value === null || (trigger.instanceId !== undefined && node === null)) return ok(null);
  return ok({ cluster, config: config.value, node, lease: lease.value });
}

async function act(
  ports: DispatchPorts,
  trigger: Trigger,
  { cluster, node, lease }: Subject,
  decision: Decision,
  acts: Acts,
): Outside<Pick<Dispatched, 'execution' | 'started'>> {
  if (decision.act === 'failover' || decision.act === 'switchover') {
    const execution = executionName(decision.act, cluster, trigger, lease?.epoch ?? 0);
    const started = await acts.start(decision.act, execution, inputOf(trigger, cluster, decision));
    return started.ok ? ok({ execution, started: started.value }) : started;
  }
  if (decision.act === 'wake') {
    const woken = await acts.wake(cluster, node ?? '', trigger.instanceId ?? '');
    return woken.ok ? ok({ started: woken.value }) : woken;
  }
  if (decision.act === 'page') {
    const { because, next = 'see: mainstay status CLUSTER' } = decision;
    const notice = { because, next: next.replace('CLUSTER', cluster), section: noticeSections.instance };
    const told = await ports.events.publish(
      attention(cluster, { ...notice, node, what: trigger.kind, epoch: lease?.epoch ?? 0 }),
    );
    return told.ok ? ok({}) : fail(told.error);
  }
  return ok({});
}

function inputOf({ observed, event }: Trigger, cluster: string, { because }: Decision): WorkflowState {
  if (!observed) return { cluster, by: 'automatic', reason: because };
  const { epoch, renewals, silentMs, seenBy } = observed;
  return { cluster, by: 'automatic', reason: event.type, watched: { epoch, renewals, silentMs, seenBy } };
}

async function note(
  { journal, clock }: DispatchPorts,
  trigger: Trigger,
  { lease }: Subject,
  done: Dispatched,
): Promise<void> {
  // Best effort: what was decided is done already.
  await journal.append({
    cluster: done.cluster ?? '',
    at: clock.wall(),
    kind: 'decision',
    actor: 'dispatch',
    epoch: lease?.epoch ?? 0,
    operation: done.execution ?? null,
    rule: done.rule,
    because: sentence(done),
    details: { act: done.act, what: trigger.kind, node: done.node, event: trigger.event },
  });
}

function sentence({ act, because, next, execution, started }: Dispatched): string {
  const what = {
    failover: started ? `failover ${execution} started` : `${execution} has been started already`,
    switchover: started ? `switchover ${execution} started` : `${execution} has been started already`,
    wake: started ? 'the failover was woken' : 'no failover waits for it',
    page: `a person is told; next: ${next}`,
    nothing: 'nothing is done',
  }[act];
  return `${because}: ${what}`;
}
