// A fence that could not be proven: keeps the task token that wakes this execution, tells a person what to do, and lets the
// execution sleep. Whoever has news wakes it (workflows/wake.ts); the fence then looks again at everything. Proves nothing.

import { attention } from '../../core/attention';
import { halt } from '../../core/errors';
import { fail, ok } from '../../core/result';
import { haltSections } from '../../core/runbook';
import { fromOutside, nodeOf, type StepContext, type StepDefinition, type StepResult } from '../step';
import { newsFor } from '../wake';

/** For the journal entry and the reply. */
const TO_END_MS = 3000;

export const askOperator: StepDefinition = { needs: 'epoch', run };

async function run(context: StepContext): StepResult {
  const { ports, config, lease, operation, token } = context;
  if (token === undefined)
    return fail(halt('Broken', 'this step was started without a task token', 'deploy plans and functions together'));
  const node = lease.former ?? '';
  const waiting = {
    cluster: config.name,
    operation,
    epoch: lease.epoch,
    node,
    tokens: [token],
    since: ports.clock.wall(),
  };
  const kept = await ports.waits.add(waiting);
  if (!kept.ok) return fail(fromOutside(kept.error));
  // In this order: a word that was written before our token was kept is seen here, a later one finds the token.
  const read = await ports.leases.read(config.name);
  const news = read.ok && read.value ? await newsFor(ports, config, read.value) : null;
  if (news !== null) {
    const woken = await ports.tasks.wake(token);
    context.note(`there is news already: ${news}${woken.ok ? '' : `; not woken: ${woken.error.message}`}`);
    return ok({});
  }
  const asleep = await told(context, node);
  if (asleep.ok) await stopEngine(context, node);
  return asleep;
}

async function told({ ports, config, state, lease, operation, note }: StepContext, node: string): StepResult {
  const next = config.fence.includes('operator')
    ? `stop it, see that it is stopped, then: mainstay confirm-fenced ${config.name} --node ${node} --reason "..."`
    : `stop its instance: the configuration lets nobody's word count (fence: ${config.fence.join(', ')})`;
  const because = `${node} could not be proven stopped; nobody is main until it is`;
  const notice = { because, next, section: haltSections.Unproven };
  const published = await ports.events.publish(
    attention(config.name, { ...notice, operation, epoch: lease.epoch, node, problem: state.problem ?? null }),
  );
  // Asleep and nobody knows would be the worst of all: tried again, and in the end the plan pages.
  if (!published.ok) return fail(fromOutside(published.error));
  note(`waits for a person: ${because}; next: ${next}`);
  return ok({});
}

/** A host whose agent does not act may still hear Systems Manager. It makes two mains less likely; it proves nothing (T11). */
async function stopEngine({ ports, config, lease, deadlineAtMs, note }: StepContext, node: string): Promise<void> {
  const asked = ports.poker.stopEngine(nodeOf(config, node), config.name, lease.epoch);
  const leftMs = Math.max(0, deadlineAtMs - ports.clock.nowMs() - TO_END_MS);
  const stopped = await Promise.race([asked, ports.clock.sleep(leftMs)]);
  const said = stopped === undefined ? 'no answer yet' : stopped.ok ? 'its host says stopped' : stopped.error.message;
  note(`asked the host of ${node} to stop its engine: ${said}`);
}
