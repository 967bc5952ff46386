// A whole cluster in one process under virtual time: the agents' loop, the plans and the steps are the product's own code;
// engine, network and cloud are models. Faults come from the seed; every event is shown to the checkers.

import { createSequentialIds, createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryExecutions } from '../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../adapters/memory/messages';
import { createMemoryPower } from '../../adapters/memory/power';
import { createMemoryStore, type MemoryStore, type MemoryTable } from '../../adapters/memory/store';
import { createMemoryTasks } from '../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../adapters/memory/vip';
import { unreachable } from '../../adapters/problems';
import { Agent } from '../../agent/agent';
import type { Question, Word } from '../../core/failsafe';
import { changed, vacantLease } from '../../core/lease';
import type { ClusterConfig, Lease, NodeConfig, Report } from '../../core/model';
import type { JournalEntry, MainstayEvent, Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import type { Ports } from '../../workflows/step';
import { aConfig, anAddress } from '../support/samples';
import { type Conditions, overNetwork } from './calls';
import { Clients } from './clients';
import { Cloud } from './cloud';
import { Coverage } from './coverage';
import { createSimDriver } from './driver';
import { Engine } from './engine';
import type { Scene } from './invariants';
import { Life } from './life';
import { Machine } from './machine';
import { Network, type Place } from './network';
import { People } from './people';
import { createRandom, type Random } from './random';
import { Witness } from './witness';

export interface WorldOptions {
  nodes?: number;
  change?: Partial<ClusterConfig>;
  /** The nodes' kernels enforce the lease; default: on every other seed. */
  gated?: boolean;
}

const key = 'CLUSTER#alpha';
/** As infra/constructs/triggers.ts has it. */
const sweepEveryMs = 60_000;

export class World implements Scene {
  readonly clock = createVirtualClock();
  readonly random: Random;
  readonly network = new Network();
  readonly coverage = new Coverage();
  readonly config: ClusterConfig;
  readonly machines: Machine[];
  readonly clients: Clients;
  readonly cloud: Cloud;
  readonly people = new People(this);
  readonly witness: Witness;
  readonly story: string[] = [];
  readonly events: MainstayEvent[] = [];
  readonly store: MemoryStore;
  readonly ids = createSequentialIds();
  readonly executions = createMemoryExecutions();
  readonly tasks = createMemoryTasks({ clock: this.clock });
  readonly addresses;
  readonly power;
  /** Chance that one call of an agent or a step goes wrong. */
  trouble = 0;
  byPerson = false;
  outage: Scene['outage'] = null;
  /** When a node was last seen frozen, cut off, stalled or without its agent; and without its engine. */
  private readonly unwellAtMs = new Map<string, number>();
  private readonly downAtMs = new Map<string, number>();

  constructor(
    readonly seed: number,
    { nodes = 3, change = {}, gated }: WorldOptions = {},
  ) {
    this.random = createRandom(seed);
    const config = aConfig('alpha', change);
    this.config = { ...config, nodes: config.nodes.slice(0, nodes), consumers: [] };
    this.store = createMemoryStore({ table: this.watchedTable() });
    this.machines = this.config.nodes.map((node) => {
      const peer = (name: string) => this.machine(name)?.engine;
      const linked = (name: string) => this.network.bothWays(node.name, name);
      const changedEngine = (why: string) => this.engineChanged(node.name, why);
      return new Machine(
        node,
        new Engine(node.name, this.clock, this.random, peer, linked, changedEngine),
        this.clock,
        this.random,
        gated ?? seed % 2 === 1,
        () => this.witness?.see('engine'),
      );
    });
    this.witness = new Witness(this, (what) => this.tell(what));
    this.addresses = createMemoryAddresses({
      allocationIds: [anAddress(this.config)],
      onChange: (_, instanceId) => {
        const to = this.machines.find((machine) => machine.config.instanceId === instanceId)?.name ?? null;
        this.tell(`VIP at ${to ?? 'nobody'}`);
        this.witness.see('vip', to);
      },
    });
    this.power = this.createPower();
    this.clients = new Clients({
      machines: this.machines,
      network: this.network,
      vipTarget: () => this.vipTarget(),
      onAck: (machine) => this.witness.see('ack', machine),
    });
    this.cloud = this.createCloud();
  }

  // ---- what is seen

  tell(what: string): void {
    this.story.push(`${(this.clock.nowMs() / 1000).toFixed(3).padStart(8)}  ${what}`);
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  get acked(): Clients['acked'] {
    return this.clients.acked;
  }

  machine(name: string | null): Machine | undefined {
    return this.machines.find((machine) => machine.name === name);
  }

  main(): Machine | undefined {
    return this.machine(this.lease().holder);
  }

  vipTarget(): Machine | undefined {
    const target = this.addresses.target(anAddress(this.config));
    return this.machines.find(({ config }) => config.instanceId === target);
  }

  lease(): Lease {
    return this.store.table.get(key, 'LEASE') as unknown as Lease;
  }

  execution(name: string): Cloud['all'][number] | undefined {
    return this.cloud.all.find((execution) => execution.name === name);
  }

  stateOf(name: string): Report['state'] | null {
    return (this.store.table.get(key, `NODE#${name}`) as unknown as Report | null)?.state ?? null;
  }

  followedOf(name: string): number | null {
    return (this.store.table.get(key, `NODE#${name}`) as unknown as Report | null)?.followed ?? null;
  }

  stoppedSince(sinceMs: number): boolean {
    return this.cloud.stoppedAtMs > sinceMs;
  }

  journal(): JournalEntry[] {
    return this.store.table.list(key, 'JOURNAL#').map(({ item }) => item as unknown as JournalEntry);
  }

  /** Nothing has kept this node from hearing, telling and doing what it was asked since then. */
  wasWell({ name }: Machine, sinceMs: number): boolean {
    return this.trouble === 0 && (this.unwellAtMs.get(name) ?? 0) < sinceMs;
  }

  heardSince(sinceMs: number): Machine[] {
    return this.machines.filter(
      (machine) =>
        !machine.leaving && this.wasWell(machine, sinceMs) && (this.downAtMs.get(machine.name) ?? 0) < sinceMs,
    );
  }

  private feelPulse(): void {
    const nowMs = this.clock.nowMs();
    for (const { name, life, engine } of this.machines) {
      const well = life && !life.isFrozen && !engine.stall && !engine.defect && this.network.bothWays(name, 'store');
      if (!well) this.unwellAtMs.set(name, nowMs);
      if (!engine.running) this.downAtMs.set(name, nowMs);
    }
  }

  private engineChanged(name: string, why: string): void {
    this.tell(`${name} ${why}`);
    this.witness?.see('engine');
  }

  /** Every write of the lease and of the journal is shown to the checkers, whoever makes it. */
  private watchedTable(): MemoryTable {
    const { table } = createMemoryStore();
    return {
      ...table,
      put: (pk, sk, item) => {
        const was = sk === 'LEASE' ? (table.get(pk, sk) as unknown as Lease | null) : null;
        table.put(pk, sk, item);
        if (was) this.leaseChanged(was, item as Lease);
        if (sk.startsWith('JOURNAL#')) this.coverage.entry(item as JournalEntry);
      },
    };
  }

  private leaseChanged(was: Lease, now: Lease): void {
    const { epoch, phase, holder, operation, drain } = now;
    const moved = epoch !== was.epoch || phase !== was.phase || holder !== was.holder || drain !== was.drain;
    if (moved || operation?.id !== was.operation?.id) {
      this.tell(
        `lease: epoch ${epoch} ${phase}, holder ${holder ?? '-'}, operation ${operation?.id ?? '-'}${drain ? `, drain ${drain}` : ''}`,
      );
    }
    const held = this.machine(holder);
    if (held) held.engine.byHand = false;
    this.witness.see('lease', was, now);
    const main = was.phase === 'granted' && phase === 'held' ? this.machine(holder) : undefined;
    if (main) this.clients.writeOff(main);
  }

  // ---- the moving parts

  private createPower() {
    return createMemoryPower({
      clock: this.clock,
      instanceIds: this.config.nodes.map(({ instanceId }) => instanceId),
      stopMs: 3000,
      startMs: 2000,
      onChange: (id, state) => {
        const machine = this.machines.find(({ config }) => config.instanceId === id);
        if (!machine) return;
        this.tell(`${machine.name}: instance ${state}`);
        if (state === 'stopped') machine.powerOff();
        if (state === 'running' && !machine.powered) this.powerOn(machine);
      },
    });
  }

  private createCloud(): Cloud {
    return new Cloud({
      clock: this.clock,
      random: this.random,
      executions: this.executions,
      tasks: this.tasks,
      ports: (life) => this.stepPorts(life),
      tell: (what) => this.tell(what),
      struck: (fault) => this.coverage.fault(fault),
      stepped: (call, ok) => {
        this.coverage.step(call.step);
        this.witness.see('step', call, ok);
      },
      ended: (execution) => this.witness.see('ended', execution),
    });
  }

  async start(): Promise<void> {
    await this.store.settings.putConfig(this.config);
    const [first] = this.machines;
    const vacant = vacantLease(this.config.name, this.config.timings.ttlMs);
    const seated = changed(vacant, 'seat', { node: first?.name ?? '', epoch: vacant.epoch }, this.ids.next());
    if (!seated.ok) throw new Error(seated.error.message);
    await this.store.leases.swap(null, { ...seated.value, version: 1 });
    this.addresses.steal(anAddress(this.config), first?.config.instanceId ?? null);
    for (const machine of this.machines) this.startAgent(machine);
    void this.background(sweepEveryMs, () => void this.cloud.sweep());
    void this.background(40, () => this.clients.write());
    void this.background(50, () => {
      for (const { engine } of this.machines) engine.stream();
      this.feelPulse();
      this.clients.confirm();
    });
  }

  private async background(everyMs: number, act: () => void): Promise<void> {
    for (;;) {
      await this.clock.sleep(everyMs);
      act();
    }
  }

  private conditions(place: Place): Conditions {
    return {
      clock: this.clock,
      random: this.random,
      timeoutMs: this.config.timings.storeTimeoutMs,
      trouble: () => this.trouble,
      path: () => ({ there: this.network.reaches(place, 'store'), back: this.network.reaches('store', place) }),
      struck: (fault) => this.coverage.fault(fault),
    };
  }

  /** The checkers see what is handed to the journal; whether the store takes it is another matter. */
  private witnessed(store: MemoryStore): MemoryStore['journal'] {
    return {
      ...store.journal,
      append: (entry) => {
        this.witness.see('journal', entry);
        return store.journal.append(entry);
      },
    };
  }

  private stepPorts(life: Life): Ports {
    const { leases, reports, settings, waits } = this.store;
    const conditions = this.conditions('control plane');
    const reach = <Port extends object>(name: string, port: Port) => life.guard(overNetwork(name, port, conditions));
    const journal = reach('Journal', this.store.journal);
    return {
      leases: reach('LeaseStore', leases),
      reports: reach('Reports', reports),
      settings: reach('Settings', settings),
      waits: reach('Waits', waits),
      tasks: reach('Tasks', { wake: this.tasks.wake }),
      journal: this.witnessed({ ...this.store, journal }),
      events: reach('Events', createMemoryEvents({ onEvent: (event) => void this.events.push(event) })),
      poker: reach(
        'Poker',
        createMemoryPoker({
          onPoke: (node) => this.cloud.message('poke', () => this.machine(node.name)?.agent?.poke()),
        }),
      ),
      power: reach('Power', this.power),
      vip: createMemoryVip(reach('Addresses', this.addresses), life.clock(this.clock), reach('LeaseStore', leases)),
      executions: this.executions,
      clock: life.clock(this.clock),
      ids: this.ids,
    };
  }

  startAgent(machine: Machine): void {
    if (!machine.powered || machine.life) return;
    const life = new Life();
    machine.life = life;
    machine.left = null;
    const clock = life.clock(this.clock, 1 + this.random.between(-0.004, 0.004), () => machine.wallOffsetMs);
    const conditions = this.conditions(machine.name);
    const reach = <Port extends object>(name: string, port: Port) => life.guard(overNetwork(name, port, conditions));
    const { engine } = machine;
    machine.agent = new Agent({
      config: this.config,
      me: machine.config,
      store: reach('LeaseStore', this.store.leases),
      reports: reach('Reports', this.store.reports),
      journal: this.witnessed({ ...this.store, journal: reach('Journal', this.store.journal) }),
      events: reach('Events', createMemoryEvents({ onEvent: (event) => this.cloud.deliver(event) })),
      driver: life.guard(
        createSimDriver({
          engine,
          random: this.random,
          clock,
          peers: () => this.machines.map((peer) => peer.engine),
          linked: (name) => this.network.bothWays(machine.name, name),
          vipAccepts: () => this.reachesVip(machine),
        }),
      ),
      witnesses: life.guard({
        ask: (node: NodeConfig, question: Question) => this.ask(machine.name, node.name, question),
      }),
      gate: life.guard(machine.gate(clock)),
      deadman: machine.deadman(clock),
      clock,
      ids: this.ids,
      version: 'sim',
      log: (message) => this.logged(machine, message),
    });
    void machine.agent.run();
  }

  /** From one agent to another, over the network between the nodes. */
  private async ask(from: string, to: string, question: Question): Outside<Word> {
    const lost = fail(unreachable(`${to} does not answer`, 'see its agent'));
    const other = this.machine(to);
    await this.clock.sleep(this.random.between(1, 10));
    if (!this.network.bothWays(from, to) || !other?.agent || !other.life || other.life.isFrozen) return lost;
    const word = other.agent.answer(question);
    await this.clock.sleep(this.random.between(1, this.random.pick([10, 10, 300])));
    return this.network.bothWays(from, to) ? ok(word) : lost;
  }

  private reachesVip(from: Machine): boolean {
    const target = this.vipTarget();
    return Boolean(target?.engine.accepts && this.network.bothWays(from.name, target.name));
  }

  private logged(machine: Machine, message: string): void {
    this.tell(`${machine.name}: ${message}`);
    const rule = /^([RSF]\d+): /.exec(message)?.[1];
    if (!rule) return;
    this.coverage.rule(rule);
    if (rule.startsWith('R')) this.witness.see('decided', machine.name, rule);
  }

  powerOn(machine: Machine): void {
    machine.powered = true;
    this.power.set(machine.config.instanceId, 'running');
    this.startAgent(machine);
  }

  /** One main that accepts writes and has the VIP, everybody else following it, nobody shunned, no operation. */
  isAtRest(): boolean {
    const { phase, holder, operation, shunned, synced } = this.lease();
    const main = this.machine(holder);
    return (
      phase === 'held' &&
      operation === null &&
      Object.keys(shunned).length === 0 &&
      main?.accepts === true &&
      this.vipTarget() === main &&
      (this.config.replication.mode === 'async' || synced.length > 0) &&
      this.machines.every(
        ({ engine }) => engine === main.engine || (engine.isStreaming() && engine.following === holder),
      )
    );
  }
}
