// The gate of this node as its settings say, made from the cluster's configuration: names of peers are looked up once, at the start
// of the agent. A name that cannot be resolved is waited for; a gate that would shut a peer out is worse than a late agent.

import { lookup } from 'node:dns/promises';
import type { Gate } from '../../core/gate';
import type { ClusterConfig, NodeConfig } from '../../core/model';
import type { Clock, Ids } from '../../core/ports';
import type { AgentSettings } from '../settings';
import { createAbsentGate } from './absent';
import { createNftablesGate, installGate } from './nftables';
import type { GateSettings } from './rules';

const LOOKUP_AGAIN_MS = 1000;

interface Surroundings {
  config: ClusterConfig;
  me: NodeConfig;
  clock: Clock;
  ids: Ids;
  log: (message: string, details?: Record<string, unknown>) => void;
}

async function addressesOf({ host }: NodeConfig, { clock, log }: Surroundings): Promise<string[]> {
  for (;;) {
    try {
      return (await lookup(host, { all: true })).map(({ address }) => address);
    } catch (error) {
      log(`the address of ${host} cannot be found yet`, { problem: error instanceof Error ? error.message : error });
      await clock.sleep(LOOKUP_AGAIN_MS);
    }
  }
}

/** Installed and shut, or as an earlier agent has left it; absent with the reason where the node cannot have it. */
export async function gateOf(settings: AgentSettings['gate'], at: Surroundings): Promise<Gate> {
  const { config, me, clock, ids, log } = at;
  if (settings === 'off') return createAbsentGate('switched off in the settings of this node');
  const others = config.nodes.filter(({ name }) => name !== me.name);
  const peers = (await Promise.all(others.map((node) => addressesOf(node, at)))).flat();
  const { loopback, ports = [me.port] } = settings;
  const gate = await installGate({ settings: { cluster: config.name, ports, peers, loopback }, clock, ids });
  if (!gate.ok) throw new Error(`the gate cannot be made: ${gate.error.message}; or say "gate": "off"`);
  const { state, problem } = await gate.value.status();
  log(`gate: ${state}`, problem === null ? {} : { problem });
  return gate.value;
}

/** For uninstalling: the rules of this cluster are taken out of the kernel, the ports are open to everybody again. */
export async function removeGate({ cluster }: Pick<GateSettings, 'cluster'>, clock: Clock, ids: Ids): Promise<void> {
  // Only the name of its table matters to be rid of it.
  const gate = createNftablesGate({ settings: { cluster, ports: [1], peers: [], loopback: 'gated' }, clock, ids });
  const removed = await gate.remove();
  await gate.stop();
  if (!removed.ok) throw new Error(`${removed.error.message}: ${removed.error.next}`);
}
