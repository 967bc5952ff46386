// The process backend: everything on loopback, each node on a port of its own, the VIP a TCP relay. Needs no root and has no
// network that could be cut; the gate is off, because the nodes share one kernel and one address.

import type { Backend } from './backend';
import { freePorts } from './ports';
import { Relay } from './relay';

const loopback = '127.0.0.1';

export async function createProcessBackend(names: readonly string[]): Promise<Backend> {
  const [vipPort = 0, ...ports] = await freePorts(1 + 3 * names.length);
  const relay = await Relay.listen(vipPort);
  const portOf = (name: string): number => ports[names.indexOf(name)] ?? 0;
  return {
    kind: 'process',
    nodes: names.map((name) => ({
      host: loopback,
      port: portOf(name),
      agentPort: ports[names.length + names.indexOf(name)] ?? 0,
      restPort: ports[2 * names.length + names.indexOf(name)] ?? 0,
    })),
    vip: { host: loopback, port: vipPort },
    agentSettings: { gate: 'off' },
    hostRules: [],
    at: () => [],
    places: {},
    endpointFor: async (emulator) => emulator.origin,
    prepare: async () => undefined,
    doorToVip: async () => loopback,
    leadVip: (name, sessions) => relay.lead(name === null ? null : { host: loopback, port: portOf(name) }, sessions),
    orders: {},
    heal: async () => undefined,
    close: async () => relay.close(),
  };
}
