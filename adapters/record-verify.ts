// Whether a record that was changed is answered everywhere yet (T45). Route 53 says yes before its servers know, so they are asked
// themselves: all of a public zone's own name servers must give the new address. Inside a VPC nobody can ask them from here: a
// private zone's change is asked for by GetChange, seldom. Reads only; must never hold anybody longer than it is told.

import type { ClusterConfig, NodeName } from '../core/model';
import type { Outside, VipSeen } from '../core/ports';
import { ok } from '../core/result';
import type { NameServers } from './name-servers';
import type { RecordVipOptions } from './record-vip';
import { addressTypeOf, canonical, nodeAt, recordOf, vipAddressOf, type Zone } from './record-zone';

interface World extends RecordVipOptions {
  zone: Zone;
}

interface Given {
  change: string | null;
  boundMs: number;
}

/** One name server is given so long to answer, in ms; asked side by side. */
const answerMs = 1000;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export async function verifyRecord(
  world: World,
  config: ClusterConfig,
  node: NodeName,
  given: Given,
): Outside<VipSeen> {
  const { hostedZoneId, private: inside } = recordOf(config);
  if (inside) return byChange(world, given);
  const servers = await world.zone.nameServers(hostedZoneId);
  if (!servers.ok) return servers;
  return servers.value.length === 0 ? byChange(world, given) : byServers(world, config, node, servers.value, given);
}

/** Looks again until `look` is content or the bound is over; answers what it saw last, and how long that took. */
async function patiently<T>(
  { clock }: World,
  { boundMs, everyMs }: { boundMs: number; everyMs: number },
  look: () => Promise<T>,
  content: (seen: T) => boolean,
): Promise<{ seen: T; ms: number }> {
  const beganAtMs = clock.nowMs();
  for (;;) {
    const seen = await look();
    const ms = clock.nowMs() - beganAtMs;
    if (content(seen) || ms + everyMs > boundMs) return { seen, ms };
    await clock.sleep(everyMs);
  }
}

async function byServers(
  world: World,
  config: ClusterConfig,
  node: NodeName,
  servers: readonly string[],
  { boundMs }: Given,
): Outside<VipSeen> {
  const wanted = config.nodes.filter(({ name }) => name === node).map((each) => canonical(vipAddressOf(each)));
  const right = (answer: string[] | null) => answer?.map(canonical).join() === wanted.join();
  const { seen, ms } = await patiently(
    world,
    { boundMs, everyMs: world.askMs },
    () => askAll(world.nameServers, config, servers),
    (answers) => answers.every(right),
  );
  const count = seen.filter(right).length;
  if (count === servers.length)
    return ok({ everywhere: true, because: `in sync at all ${count} name servers after ${seconds(ms)}` });
  const others = seen.filter((answer) => !right(answer));
  const resolved = new Set(
    others.flatMap((answer) => answer ?? []).map((address) => nodeAt(config, address) ?? address),
  );
  const silent = others.filter((answer) => answer === null).length;
  const why = [
    ...(resolved.size > 0 ? [`clients may still resolve ${[...resolved].join(', ')}`] : []),
    ...(silent > 0 ? [`${silent} did not answer`] : []),
    ...(others.some((answer) => answer?.length === 0) ? ['some have no such record'] : []),
  ];
  return ok({
    everywhere: false,
    because: `not yet in sync after ${seconds(ms)} (${count} of ${servers.length} name servers): ${why.join(', ')}`,
  });
}

const askAll = (nameServers: NameServers, config: ClusterConfig, servers: readonly string[]) =>
  Promise.all(servers.map((server) => nameServers.ask(server, recordOf(config).name, addressTypeOf(config), answerMs)));

async function byChange(world: World, { change, boundMs }: Given): Outside<VipSeen> {
  if (change === null)
    return ok({
      everywhere: false,
      because: 'not known to be in sync: the answer that named the change was lost',
    });
  const { seen, ms } = await patiently(
    world,
    { boundMs, everyMs: world.getChangeMs },
    () => world.zone.spread(change),
    (answer) => answer.ok && answer.value,
  );
  if (!seen.ok) return seen;
  return ok(
    seen.value
      ? { everywhere: true, because: `in sync after ${seconds(ms)}, says Route 53 (private zone)` }
      : { everywhere: false, because: `not yet in sync after ${seconds(ms)}, says Route 53 (private zone)` },
  );
}
