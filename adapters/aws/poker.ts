// Messages to hosts by SSM Run Command. Port: Poker. A poke is fire and forget; a redirect and a stop are followed to their end.
// Every command carries epoch and expiry: SSM may deliver hours late (T57). Parameters are those of infra/documents.

import type { SSMClient } from '@aws-sdk/client-ssm';
import type { ConsumerConfig, NodeConfig } from '../../core/model';
import type { Outside, Poker } from '../../core/ports';
import { ok } from '../../core/result';
import { follow, type Surroundings, send } from './run-command';

export interface PokerOptions extends Omit<Surroundings, 'ssm'> {
  /** Names of the stack's own documents. */
  documents: { poke: string; engineStop: string; consumer: string };
  /** A poke that arrives later than this is ignored by the agent, in s. */
  pokeLifeS: number;
  /** How long a redirect may take, in ms; what arrives later does nothing. */
  redirectMs: number;
  /** The same for the stop of an engine. */
  stopMs: number;
}

type World = PokerOptions & Surroundings;

/** SendCommand takes no more instance ids than this. */
const idsPerCommand = 50;

/** Unix time, in s. */
const expiry = ({ clock }: World, lifeS: number): number => Math.ceil(Date.parse(clock.wall()) / 1000 + lifeS);

const inGroups = (ids: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(ids.length / idsPerCommand) }, (_, group) =>
    ids.slice(group * idsPerCommand, (group + 1) * idsPerCommand),
  );

async function poke(world: World, nodes: readonly NodeConfig[], cluster: string, epoch: number): Outside<void> {
  const expires = expiry(world, world.pokeLifeS);
  const sendTo = (ids: string[]) => send(world, world.documents.poke, ids, { cluster, epoch, expires });
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

/** Sends one command to one host and waits for its end; the bound counts from before it was sent. */
async function have(
  world: World,
  boundMs: number,
  instanceId: string,
  document: string,
  values: Record<string, string | number>,
): Outside<void> {
  const endMs = world.clock.nowMs() + boundMs;
  const expires = expiry(world, boundMs / 1000);
  const sent = await send(world, document, [instanceId], { ...values, expires });
  return sent.ok ? follow(world, instanceId, sent.value, endMs) : sent;
}

function redirect(
  world: World,
  consumer: ConsumerConfig,
  cluster: string,
  { host: main, port }: NodeConfig,
  epoch: number,
): Outside<void> {
  const { redirectMs, documents } = world;
  const { instanceId } = consumer;
  if ('document' in consumer) return have(world, redirectMs, instanceId, consumer.document, { main, port, epoch });
  const { properties, service } = consumer;
  return have(world, redirectMs, instanceId, documents.consumer, { cluster, epoch, main, ...properties, service });
}

export function createPoker(ssm: SSMClient, options: PokerOptions): Poker {
  const world = { ssm, ...options };
  return {
    poke: (nodes, cluster, epoch) => poke(world, nodes, cluster, epoch),
    redirect: (consumer, cluster, main, epoch) => redirect(world, consumer, cluster, main, epoch),
    stopEngine: ({ instanceId }, cluster, epoch) =>
      have(world, world.stopMs, instanceId, world.documents.engineStop, { cluster, epoch }),
  };
}
