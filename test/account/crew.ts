// The nodes of one cluster without hosts: real agents with the real adapters against the emulated account, each on a
// machine whose engine is a model (test/sim). Time is real. Must never answer for the control plane: it only hosts agents.

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { type ClientOptions, createClient, createDocumentClient } from '../../adapters/aws/clients';
import { createEvents } from '../../adapters/aws/events';
import { createJournal } from '../../adapters/aws/journal';
import { createLeaseStore } from '../../adapters/aws/lease-store';
import { createReports } from '../../adapters/aws/reports';
import { createSystemClock, createSystemIds } from '../../adapters/system';
import { noWitnesses } from '../../adapters/witnesses';
import { Agent } from '../../agent/agent';
import type { ClusterConfig } from '../../core/model';
import { createSimDriver } from '../sim/driver';
import { Engine } from '../sim/engine';
import { Life } from '../sim/life';
import { Machine } from '../sim/machine';
import { createRandom } from '../sim/random';

const streamEveryMs = 50;

export interface CrewOptions {
  config: ClusterConfig;
  tableName: string;
  /** Where this node's agent reaches the account; one attempt per call, as the product's agent. */
  client: (node: string) => ClientOptions;
  /** Instance that the VIP points to now. */
  vipTarget: () => string | null;
}

export class Crew {
  readonly machines: Machine[];
  private readonly clock = createSystemClock();
  private readonly ids = createSystemIds();
  private readonly random = createRandom(1);
  private readonly streaming: NodeJS.Timeout;
  private readonly clients: { destroy(): void }[] = [];

  constructor(private readonly options: CrewOptions) {
    this.machines = options.config.nodes.map((node) => {
      const peer = (name: string) => this.machines.find((machine) => machine.name === name)?.engine;
      const linked = (name: string) => this.machine(node.name).powered && this.machine(name).powered;
      const engine = new Engine(node.name, this.clock, this.random, peer, linked, () => undefined);
      return new Machine(node, engine, this.clock, this.random, true, () => undefined);
    });
    this.streaming = setInterval(() => {
      for (const { engine } of this.machines) engine.stream();
    }, streamEveryMs);
  }

  machine(name: string | null): Machine {
    const found = this.machines.find((machine) => machine.name === name);
    if (!found) throw new Error(`no node '${name}'`);
    return found;
  }

  /** The machine of this instance, if it is one of ours. */
  at(instanceId: string | null): Machine | undefined {
    return this.machines.find(({ config }) => config.instanceId === instanceId);
  }

  powerOn(): void {
    for (const machine of this.machines) this.start(machine);
  }

  start(machine: Machine): void {
    machine.powered = true;
    if (machine.life) return;
    const life = new Life();
    machine.life = life;
    const { config, tableName, client } = this.options;
    const database = createClient(DynamoDBClient, {
      ...client(machine.name),
      requestTimeoutMs: config.timings.storeTimeoutMs,
    });
    const bus = createClient(EventBridgeClient, client(machine.name));
    this.clients.push(database, bus);
    const table = { client: createDocumentClient(database), name: tableName };
    const clock = life.clock(this.clock);
    machine.agent = new Agent({
      config,
      me: machine.config,
      store: life.guard(createLeaseStore(table)),
      reports: life.guard(createReports(table)),
      journal: life.guard(createJournal(table, this.ids)),
      events: life.guard(createEvents(bus, { cluster: config.name })),
      driver: life.guard(
        createSimDriver({
          engine: machine.engine,
          random: this.random,
          clock,
          peers: () => this.machines.map(({ engine }) => engine),
          linked: (name) => this.machine(name).powered,
          vipAccepts: () => this.at(this.options.vipTarget())?.accepts ?? false,
        }),
      ),
      witnesses: noWitnesses,
      gate: life.guard(machine.gate(clock)),
      deadman: machine.deadman(clock),
      clock,
      ids: this.ids,
      version: 'account-test',
      log: () => undefined,
    });
    void machine.agent.run();
  }

  stop(): void {
    clearInterval(this.streaming);
    for (const machine of this.machines) machine.powerOff();
    for (const client of this.clients) client.destroy();
  }
}
