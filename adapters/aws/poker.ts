// Messages to hosts by SSM Run Command. Port: Poker. A poke is fire and forget; a redirect is followed to its end.
// Every command carries the epoch, and a poke its expiry: SSM may deliver hours late (T57). Must never read the output of
// a command that it did not send itself (T55), nor take "no such invocation" right after sending for a failure (T58).

import {
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  SendCommandCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import type { OutsideProblem } from '../../core/errors';
import type { NodeConfig } from '../../core/model';
import type { Clock, Outside, Poker } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken, refused, unreachable } from '../problems';
import { asked } from './outside';

export interface PokerOptions {
  clock: Clock;
  /** SSM document that wakes an agent. */
  pokeDocument: string;
  /** A poke that arrives later than this is ignored by the agent, in s. */
  pokeLifeS: number;
  /** How long a redirect may take, in ms. */
  redirectMs: number;
  /** Between two looks at a redirect, in ms. */
  pollMs: number;
}

interface World extends PokerOptions {
  ssm: SSMClient;
}

/** SendCommand takes no more instance ids than this. */
const idsPerCommand = 50;
/** The least that SSM allows: what is not delivered within this is given up by SSM itself (T57), in s. */
const deliveryS = 30;

const notThere = 'InvalidInstanceId';
const notYet = 'InvocationDoesNotExist';

async function send(
  { ssm }: World,
  document: string,
  instanceIds: string[],
  values: Record<string, string | number>,
): Outside<string> {
  const command = new SendCommandCommand({
    DocumentName: document,
    InstanceIds: instanceIds,
    Parameters: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [String(value)]])),
    TimeoutSeconds: deliveryS,
  });
  const answer = await asked('ssm:SendCommand', () => ssm.send(command), [notThere]);
  if (!answer.ok) return answer;
  const id = answer.value.Command?.CommandId;
  return id ? ok(id) : fail(broken('SSM gave no command id', 'look at the endpoint that SSM is called at'));
}

const inGroups = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / idsPerCommand) }, (_, group) =>
    ids.slice(group * idsPerCommand, (group + 1) * idsPerCommand),
  );

async function poke(world: World, nodes: readonly NodeConfig[], cluster: string, epoch: number): Outside<void> {
  const expires = Math.ceil(Date.parse(world.clock.wall()) / 1000) + world.pokeLifeS;
  const sendTo = (ids: string[]) => send(world, world.pokeDocument, ids, { cluster, epoch, expires });
  const groups = inGroups(nodes.map(({ instanceId }) => instanceId));
  const outcomes = await Promise.all(groups.map((ids) => pokeGroup(ids, sendTo)));
  return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
}

/** One dead instance makes SSM refuse the whole command, and a failover has a dead one: then each gets its own. */
async function pokeGroup(ids: string[], sendTo: (ids: string[]) => Outside<string>): Outside<void> {
  const together = await sendTo(ids);
  if (together.ok) return ok(undefined);
  if (together.error.code !== 'Refused' || ids.length === 1) return together;
  const alone = await Promise.all(ids.map((id) => sendTo([id])));
  return alone.some((outcome) => outcome.ok) ? ok(undefined) : together;
}

async function redirect(
  world: World,
  instanceId: string,
  document: string,
  main: NodeConfig,
  epoch: number,
): Outside<void> {
  const { clock, redirectMs } = world;
  const endMs = clock.nowMs() + redirectMs;
  const sent = await send(world, document, [instanceId], { main: main.host, port: main.port, epoch });
  return sent.ok ? follow(world, instanceId, sent.value, endMs) : sent;
}

async function follow(world: World, instanceId: string, commandId: string, endMs: number): Outside<void> {
  const { ssm, clock, pollMs } = world;
  const command = new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId });
  let last: string | OutsideProblem = 'not sent yet';
  do {
    const answer = await asked('ssm:GetCommandInvocation', () => ssm.send(command), [notYet]);
    if (!answer.ok && answer.error.code === 'Broken') return answer;
    const end = answer.ok ? ended(answer.value) : null;
    if (end) return end;
    last = answer.ok ? (answer.value.Status ?? 'unknown') : answer.error;
    await clock.sleep(pollMs);
  } while (clock.nowMs() < endMs);
  return fail(
    unreachable(
      `command ${commandId} on ${instanceId} has not ended in time`,
      'run the step again; the document does nothing twice at the same epoch',
      { commandId, last },
    ),
  );
}

/** What a terminal status says; null while it is still going on. */
function ended(invocation: GetCommandInvocationCommandOutput): Awaited<Outside<void>> | null {
  const { Status: status, StatusDetails: statusDetails, CommandId: commandId, InstanceId: instanceId } = invocation;
  const output = `${invocation.StandardOutputContent ?? ''}\n${invocation.StandardErrorContent ?? ''}`
    .trim()
    .slice(-2000);
  const details = { commandId, instanceId, status, statusDetails, exitCode: invocation.ResponseCode, output };
  if (status === 'Success') return ok(undefined);
  if (status === 'Failed')
    return fail(
      refused(
        `${instanceId} could not be redirected: ${output || statusDetails}`,
        'read the output, mend the host, run it again',
        details,
      ),
    );
  // Cut off half-way or never delivered: nobody knows how far it got.
  if (status === 'TimedOut' || status === 'Cancelled')
    return fail(
      unreachable(
        `the command on ${instanceId} ended as ${statusDetails || status}`,
        'check that its SSM agent runs, then run the step again',
        details,
      ),
    );
  return null;
}

export function createPoker(ssm: SSMClient, options: PokerOptions): Poker {
  const world = { ssm, ...options };
  return {
    poke: (nodes, cluster, epoch) => poke(world, nodes, cluster, epoch),
    redirect: (instanceId, document, main, epoch) => redirect(world, instanceId, document, main, epoch),
  };
}
