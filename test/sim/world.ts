// A whole cluster in one process under virtual time: the agents' loop, the plans and the steps are the product's own code;
// engine, network and cloud are models. Faults come from the seed; after the heal the cluster must come to rest.

import { createSequentialIds, createVirtualClock } from '../../adapters/memory/clock';
import { createMemoryExecutions } from '../../adapters/memory/executions';
import type { Faults } from '../../adapters/memory/faults';
import { createMemoryEvents, createMemoryPoker } from '../../adapters/memory/messages';
import { createMemoryPower } from '../../adapters/memory/power';
import { createMemoryStore } from '../../adapters/memory/store';
import { createMemoryAddresses, createMemoryVip } from '../../adapters/memory/vip';
import { Agent } from '../../agent/agent';
import { changed, vacantLease } from '../../core/lease';
import type { ClusterConfig, Lease, NodeName, OperationKind, PolicyMode } from '../../core/model';
import type { MainstayEvent } from '../../core/ports';
import { ok } from '../../core/result';
import { interpret, type Outcome } from '../../workflows/interpreter';
import { plans } from '../../workflows/plans';
import { runStep } from '../../workflows/run-step';
import type { WorkflowState } from '../../workflows/state';
import type { Ports } from '../../workflows/step';
import { aConfig } from '../support/samples';
import { Incarnation, Machine } from './machine';
import { createRandom, type Random } from './random';

export class InvariantBroken extends Error {
  override name = 'InvariantBroken';
}

export class World {
  readonly clock = createVirtualClock();
  readonly random: Random;
  readonly config: ClusterConfig;
  readonly machines: Machine[];
  readonly story: string[] = [];
  readonly outcomes: { operation: string; kind: OperationKind; outcome: Outcome }[] = [];
  private readonly store = createMemoryStore();
  private readonly ids = createSequentialIds();
  private readonly executions = createMemoryExecutions();
  private readonly addresses;
  private readonly power;
  private stepRunner: typeof runStep = runStep;
  private readonly started = new Set<string>();
  /** Chance that one call of an agent or a step goes wrong. */
  trouble = 0;
  acked: number[] = [];
  private nextWrite = 1;
  private highestEpoch = 0;

  constructor(readonly seed: number) {
    this.random = createRandom(seed);
    this.config = { ...aConfig('alpha'), consumers: [] };
    const { nodes, vip } = this.config;
    this.machines = nodes.map(
      (node) =>
        new Machine(
          node,
          this.clock,
          this.random,
          () => this.machines,
          (what) => this.see(what),
        ),
    );
    this.addresses = createMemoryAddresses({ allocationIds: [vip.allocationId] });
    this.power = createMemoryPower({
      clock: this.clock,
      instanceIds: nodes.map(({ instanceId }) => instanceId),
      stopMs: 3000,
      startMs: 2000,
      onChange: (id, state) => {
        const machine = this.machines.find(({ config }) => config.instanceId === id);
        if (state === 'stopped') machine?.powerOff();
        if (state === 'running' && machine && !machine.powered) this.powerOn(machine);
      },
    });
    for (const machine of this.machines) machine.probeVip = () => this.vipTarget()?.writable ?? false;
  }

  // ---- what is seen

  tell(what: string): void {
    this.story.push(`${(this.clock.nowMs() / 1000).toFixed(3)}  ${what}`);
  }

  /** I1: at most one node accepts writes at any moment. Looked at whenever anything changes. */
  private see(what: string): void {
    this.tell(what);
    const writable = this.machines.filter((machine) => machine.writable);
    if (writable.length > 1)
      throw this.broken(`I1: two nodes accept writes: ${writable.map(({ name }) => name).join(', ')}`);
  }

  private broken(what: string): InvariantBroken {
    const error = new InvariantBroken(`seed ${this.seed}: ${what}\n${this.story.slice(-60).join('\n')}`);
    this.fault ??= error;
    return error;
  }
  /** The first broken invariant: it may have been thrown inside a promise that nobody awaits. */
  fault: InvariantBroken | null = null;

  vipTarget(): Machine | undefined {
    const target = this.addresses.target(this.config.vip.allocationId);
    return this.machines.find(({ config }) => config.instanceId === target);
  }

  lease(): Lease {
    return this.store.table.get(`CLUSTER#${this.config.name}`, 'LEASE') as unknown as Lease;
  }

  // ---- the moving parts

  async start(): Promise<void> {
    await this.store.settings.putConfig(this.config);
    const first = this.config.nodes[0]?.name ?? '';
    const seated = changed(
      vacantLease(this.config.name, this.config.timings.ttlMs),
      'seat',
      { node: first },
      this.ids.next(),
    );
    if (!seated.ok) throw new Error(seated.error.message);
    await this.store.leases.swap(null, { ...seated.value, version: 1 });
    this.addresses.steal(this.config.vip.allocationId, this.config.nodes[0]?.instanceId ?? null);
    for (const machine of this.machines) this.startAgent(machine);
    void this.background(20, () => this.clientWrites());
    void this.background(50, () => {
      for (const machine of this.machines) machine.stream();
      this.checkEpoch();
    });
  }

  private async background(everyMs: number, act: () => void): Promise<void> {
    for (;;) {
      await this.clock.sleep(everyMs);
      act();
    }
  }

  /** The client writes through the VIP, as clients do. */
  private clientWrites(): void {
    const target = this.vipTarget();
    if (!target?.writable) return;
    const id = this.nextWrite++;
    target.writes.push({ id, timeline: target.timeline });
    this.acked.push(id);
  }

  private checkEpoch(): void {
    const { epoch } = this.lease();
    if (epoch < this.highestEpoch) throw this.broken(`I2: the epoch fell from ${this.highestEpoch} to ${epoch}`);
    this.highestEpoch = epoch;
  }

  private faultsOf(reaches: () => boolean): Faults {
    return {
      before: async () => {
        await this.clock.sleep(this.random.between(1, 15));
        if (!reaches()) {
          await this.clock.sleep(this.config.timings.storeTimeoutMs);
          return 'timeout-before';
        }
        return this.random.chance(this.trouble)
          ? this.random.pick(['timeout-before', 'timeout-after', 'throttle'] as const)
          : null;
      },
    };
  }

  startAgent(machine: Machine): void {
    if (!machine.powered) return;
    const incarnation = new Incarnation(this.clock, 1 + this.random.between(-0.004, 0.004));
    machine.incarnation = incarnation;
    const { table } = this.store;
    const store = createMemoryStore({ table, faults: this.faultsOf(() => machine.reachesStore) });
    const { clock } = incarnation;
    const agent = new Agent({
      config: this.config,
      me: machine.config,
      store: incarnation.guard(store.leases),
      reports: incarnation.guard(store.reports),
      journal: incarnation.guard(store.journal),
      events: incarnation.guard(
        createMemoryEvents({
          faults: this.faultsOf(() => machine.reachesStore),
          onEvent: (event) => this.deliver(event),
        }),
      ),
      driver: incarnation.guard(machine.driver(clock)),
      deadman: machine.deadman(clock),
      clock,
      ids: this.ids,
      version: 'sim',
      log: (message) => this.tell(`${machine.name}: ${message}`),
    });
    void agent.run();
  }

  /** EventBridge and dispatch: late, sometimes twice; one name per failure. */
  private deliver({ cluster, detail }: MainstayEvent): void {
    const { epoch, renewals, attempt } = detail as { epoch: number; renewals: number; attempt: number };
    if (epoch === undefined) return;
    const name = `${cluster}-failover-e${epoch}-r${renewals}-${attempt}`;
    for (let times = this.random.chance(0.1) ? 2 : 1; times > 0; times--) {
      void this.clock.sleep(this.random.between(5, 500)).then(() => {
        if (!this.started.has(name)) void this.execute('failover', name, { cluster, by: 'automatic', watched: detail });
      });
    }
  }

  async execute(kind: OperationKind, name: string, input: object): Promise<Outcome> {
    this.started.add(name);
    this.executions.began(name);
    this.tell(`execution ${name} started`);
    const outcome = await interpret(this.ports(), plans[kind], input, name, this.stepRunner);
    this.executions.ended(name);
    this.outcomes.push({ operation: name, kind, outcome });
    this.tell(`execution ${name} ${outcome.end}${outcome.problem ? `: ${outcome.problem.message}` : ''}`);
    return outcome;
  }

  private ports(): Ports {
    const faults = this.faultsOf(() => true);
    const { leases, reports, settings, journal } = createMemoryStore({ table: this.store.table, faults });
    return {
      leases,
      reports,
      settings,
      journal,
      events: createMemoryEvents(),
      poker: createMemoryPoker(),
      power: this.power,
      vip: createMemoryVip(this.addresses, this.clock),
      executions: this.executions,
      clock: this.clock,
      ids: this.ids,
    };
  }

  /** What a person does when nobody is left: says that the node with the most data is right (`mainstay start --yes`). */
  async seat(): Promise<void> {
    const lease = this.lease();
    const right = [...this.machines].sort((a, b) => b.writes.length - a.writes.length)[0];
    const next = changed(lease, 'seat', { node: right?.name ?? '' }, this.ids.next());
    this.tell(`a person seats ${right?.name}`);
    if (next.ok) await this.store.leases.swap(lease, next.value);
    this.addresses.steal(this.config.vip.allocationId, right?.config.instanceId ?? null);
  }

  async setPolicy(mode: PolicyMode): Promise<void> {
    const policy = { mode, until: null, by: 'ann', reason: 'test', at: this.clock.wall() };
    await this.store.settings.putPolicy(this.config.name, policy);
  }

  /** Executions called `…aborted` stop dead after so many steps, as when somebody presses Stop in the console. */
  abortAfter(stepCount: number): void {
    let ran = 0;
    this.stepRunner = async (ports, call) => {
      if (!call.operation.endsWith('aborted')) return runStep(ports, call);
      ran += 1;
      if (ran <= stepCount) return runStep(ports, call);
      this.executions.ended(call.operation);
      return new Promise(() => undefined);
    };
  }

  /** Every step's reply is lost once, and the step is run again on the same input. */
  everyStepTwice(): void {
    this.stepRunner = async (ports, call) => {
      await runStep(ports, call);
      return runStep(ports, call);
    };
  }

  /** A planted bug: the fence believes without looking. The checkers must see what comes of it. */
  believeEveryFence(): void {
    this.stepRunner = async (ports, call) => {
      if (call.step !== 'fence') return runStep(ports, call);
      const lease = this.lease();
      const proof = { node: lease.former ?? '', epoch: lease.epoch, how: 'self-fence' as const, evidence: 'believed' };
      this.store.table.put(`CLUSTER#${lease.cluster}`, 'LEASE', { ...lease, fence: proof, version: lease.version + 1 });
      return ok({ ...(call.state as WorkflowState), proof });
    };
  }

  powerOn(machine: Machine): void {
    machine.powered = true;
    this.tell(`${machine.name} has power`);
    this.startAgent(machine);
  }

  pullPlug(machine: Machine): void {
    this.tell(`${machine.name}: plug pulled`);
    machine.powerOff();
    this.power.set(machine.config.instanceId, 'stopped');
  }

  killAgent(machine: Machine): void {
    this.tell(`${machine.name}: agent killed`);
    machine.incarnation?.die();
    machine.incarnation = null;
  }

  async isHealthy(): Promise<boolean> {
    const { phase, holder, operation, shunned } = this.lease();
    const main = this.machines.find(({ name }) => name === holder);
    const others = this.machines.filter((machine) => machine !== main);
    return (
      phase === 'held' &&
      operation === null &&
      Object.keys(shunned).length === 0 &&
      main?.writable === true &&
      this.vipTarget() === main &&
      others.every((machine) => machine.isStreaming() && machine.following === holder)
    );
  }

  nodesToRecover(): NodeName[] {
    return Object.keys(this.lease().shunned);
  }
}
