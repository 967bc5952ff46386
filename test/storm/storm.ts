// A zone goes, and so many clusters lose their main at once in one account: the real steps of the plan `failover`, for all of them, in
// virtual time, against AWS's quotas. Ours: governed calls and group commit. Naive: every execution calls for itself, and the SDK
// tries again. Everything is drawn from one seed.

import { createVip, storedEpoch } from '../../adapters/address-vip';
import { governedAddresses } from '../../adapters/governed/addresses';
import { createGovernor, type Governor } from '../../adapters/governed/governor';
import { governedPower } from '../../adapters/governed/power';
import { governedZone } from '../../adapters/governed/zone';
import { createMemoryBrake } from '../../adapters/memory/brake';
import { createSequentialIds, createVirtualClock, type VirtualClock } from '../../adapters/memory/clock';
import { createMemoryExecutions } from '../../adapters/memory/executions';
import { createMemoryFleet } from '../../adapters/memory/fleet';
import { createMemoryEvents, createMemoryPoker } from '../../adapters/memory/messages';
import { createMemoryStore } from '../../adapters/memory/store';
import { createMemoryTasks } from '../../adapters/memory/tasks';
import { createRecordVip } from '../../adapters/record-vip';
import { markerText } from '../../adapters/record-zone';
import { type BrakeLimits, defaultBrake } from '../../core/brake';
import { retry } from '../../core/errors';
import type { Importance } from '../../core/fleet';
import type { FenceRung } from '../../core/model';
import { fail } from '../../core/result';
import { contenderWaitMs, defaultTimings } from '../../core/timings';
import { interpret } from '../../workflows/interpreter';
import { plans } from '../../workflows/plans';
import { runStep } from '../../workflows/run-step';
import type { Ports } from '../../workflows/step';
import { createRandom, type Random } from '../sim/random';
import { aLease } from '../support/samples';
import { Account } from './account';
import { createBucket } from './bucket';
import { StormCluster, stormConfig, type VipKind } from './cluster';
import { throughSdk } from './sdk';
import { type TableCount, tableBounds } from './table';

export interface StormOptions {
  clusters: number;
  vip: VipKind;
  /** Hosted zones that the records are spread over. */
  zones: number;
  seed: number;
  naive: boolean;
  fence: readonly FenceRung[];
  brake?: BrakeLimits;
  /** All clusters of the account; a third of their mains are in the zone that goes. */
  fleet?: number;
  /** Concurrent Lambda invocations that the account may have. */
  lambdas?: number;
  /** Gives up after so much virtual time, in ms. */
  boundMs?: number;
}

export interface StormResult {
  options: StormOptions;
  clusters: { name: string; importance: Importance; writableAtMs: number | null; executions: number }[];
  apis: Record<string, { made: number; throttled: number; most: number }>;
  table: TableCount;
  ends: Record<string, number>;
  /** `Attention Needed` that was published: pages to a person. */
  pages: number;
  heldByBrake: number;
  broken: string[];
  longestStepMs: number;
}

/** As in infra/state-machine.ts: a step's own deadline and what Lambda and Step Functions add. */
const transitions = { burst: 5000, perSecond: 5000 };
const starts = { burst: 1300, perSecond: 300 };
const patienceMs = 6000;
const minuteMs = 60_000;

class Storm {
  private readonly clock: VirtualClock = createVirtualClock();
  private readonly ids = createSequentialIds();
  private readonly random: Random;
  private readonly store = createMemoryStore();
  private readonly executions = createMemoryExecutions();
  private readonly events = createMemoryEvents();
  private readonly bounds = tableBounds(this.clock);
  private readonly fleet = createMemoryFleet({ faults: this.bounds.faults });
  private readonly brake = createMemoryBrake({ faults: this.bounds.faults });
  private readonly account: Account;
  private readonly clusters: StormCluster[];
  private readonly transitions = createBucket(this.clock, transitions);
  private readonly starts = createBucket(this.clock, starts);
  private invocations = 0;
  private readonly result: StormResult;

  constructor(private readonly options: StormOptions) {
    this.random = createRandom(options.seed);
    this.clusters = Array.from({ length: options.clusters }, (_, number) => this.cluster(number));
    const byVip = new Map(this.clusters.map((cluster) => [cluster.vipId, cluster]));
    this.account = new Account({
      clock: this.clock,
      random: this.random,
      instanceIds: this.clusters.flatMap(({ config }) => config.nodes.map(({ instanceId }) => instanceId)),
      allocationIds: this.clusters.map(({ vipId }) => vipId),
      zoneIds: Array.from({ length: options.zones }, (_, zone) => `Z${zone}`),
      onVip: (vip, target) => byVip.get(vip)?.vipArrived(target),
    });
    const ends = { done: 0, undone: 0, paged: 0 };
    const { count: table } = this.bounds;
    const counts = { pages: 0, heldByBrake: 0, longestStepMs: 0 };
    this.result = { options, clusters: [], apis: {}, table, ends, broken: [], ...counts };
  }

  /** A tenth is important, a fifth is not. */
  private cluster(number: number): StormCluster {
    const importance: Importance = number % 10 === 0 ? 'high' : number % 5 === 1 ? 'low' : 'normal';
    const { vip, zones, fence } = this.options;
    const config = stormConfig({ number, vip, zones, fence, importance });
    const { clock, random, ids } = this;
    return new StormCluster(config, importance, { clock, random, ids, leases: this.store.leases });
  }

  async run(): Promise<StormResult> {
    const { clusters, fleet = 3 * clusters, brake = defaultBrake, boundMs = 30 * minuteMs } = this.options;
    await this.clock.until(this.brake.configure(brake, fleet));
    for (const cluster of this.clusters) await this.before(cluster);
    const all = Promise.all(this.clusters.map((cluster) => this.until(cluster, boundMs)));
    await this.clock.until(all, 2 * boundMs);
    return this.told();
  }

  /** All is well, and the VIP is at db1. */
  private async before({ config }: StormCluster): Promise<void> {
    await this.store.settings.putConfig(config);
    await this.store.leases.swap(null, aLease(config.name));
    const [db1] = config.nodes;
    if (config.vip.kind === 'eip') return this.account.giveAddress(config.vip.allocationId, db1?.instanceId ?? '');
    const marker = markerText(config.name, { epoch: 1, holder: 'db1', change: 1 });
    const { ttlS, name, hostedZoneId } = config.vip;
    this.account.zones.get(hostedZoneId)?.put(name, [
      { type: 'A', ttlS, values: [db1?.host ?? ''], special: null },
      { type: 'TXT', ttlS, values: [marker], special: null },
    ]);
  }

  /** Failovers, as often as its agents ask for them, and the sweep's settling, until it is served again. */
  private async until(cluster: StormCluster, boundMs: number): Promise<void> {
    const { clock, random } = this;
    // The last renewal was somewhere in the last heartbeat; then a ttl of silence, a look, an event and its function.
    const heardMs = contenderWaitMs(defaultTimings) - random.between(0, 1000) + random.between(0, 100);
    await clock.sleep(heardMs + random.between(150, 600));
    for (let attempt = 0; clock.nowMs() < boundMs; attempt++) {
      const read = await this.store.leases.read(cluster.config.name);
      const lease = read.ok ? read.value : null;
      const served = lease?.phase === 'held' && lease.holder !== 'db1';
      if (served && lease.operation === null && cluster.vipAtMs !== null) break;
      await (served ? this.settle(cluster, attempt) : this.failover(cluster, attempt, lease));
      if (cluster.writableAtMs !== null) break;
      // Agents ask again every 30 s, the sweep looks every 60.
      await clock.sleep(served ? random.between(0, minuteMs) : 30_000);
    }
    this.result.broken.push(...cluster.faults);
  }

  private failover(cluster: StormCluster, attempt: number, lease: { epoch: number; renewals: number } | null) {
    const { epoch = 1, renewals = 0 } = lease ?? {};
    const silentMs = contenderWaitMs(defaultTimings);
    const watched = { epoch, renewals, silentMs, seenBy: 'db2' as const };
    return this.execution(cluster, 'failover', `e${epoch}-r${renewals}-${attempt}`, { by: 'automatic', watched });
  }

  private settle(cluster: StormCluster, attempt: number) {
    return this.execution(cluster, 'settle', `${attempt}`, { by: 'automatic', reason: 'left behind' });
  }

  private async execution(cluster: StormCluster, kind: 'failover' | 'settle', suffix: string, input: object) {
    const { clock, random } = this;
    while (!this.starts.take()) await clock.sleep(random.between(200, 1500));
    this.count(cluster);
    const { name } = cluster.config;
    const operation = `${name}-${kind}-${suffix}`;
    this.executions.began(operation);
    const outcome = await interpret(this.ports(cluster), plans[kind], { cluster: name, ...input }, operation, {
      stepRunner: (ports, call) => this.invoke(ports, call),
    });
    this.executions.ended(operation);
    this.result.ends[outcome.end] = (this.result.ends[outcome.end] ?? 0) + 1;
    if (outcome.problem?.code === 'Braked') this.result.heldByBrake += 1;
  }

  private readonly started = new Map<string, number>();
  private count({ config: { name } }: StormCluster): void {
    this.started.set(name, (this.started.get(name) ?? 0) + 1);
  }

  /** One step: two transitions, a free Lambda, and its invocation. */
  private async invoke(ports: Ports, call: Parameters<typeof runStep>[1]): ReturnType<typeof runStep> {
    const { clock, random, account } = this;
    while (!this.transitions.take(2)) await clock.sleep(50);
    const invoked = account.ledger.of('lambda:Invoke');
    invoked.made += 1;
    if (this.invocations >= (this.options.lambdas ?? 1000)) {
      invoked.throttled += 1;
      return fail(retry(this.options.naive ? 'Unreachable' : 'Queued', 'Lambda.TooManyRequestsException', 'again'));
    }
    this.invocations += 1;
    await clock.sleep(random.between(40, 120));
    const beganAtMs = clock.nowMs();
    const result = await runStep(ports, call);
    this.invocations -= 1;
    const tookMs = clock.nowMs() - beganAtMs;
    if (call.deadlineMs <= minuteMs) this.result.longestStepMs = Math.max(this.result.longestStepMs, tookMs);
    // Without a line there is nothing to wait in: a quota is a failure like another.
    if (this.options.naive && !result.ok && result.error.code === 'Queued')
      return fail({ ...result.error, code: 'Unreachable' });
    return result;
  }

  /** What one execution is given; each has its own memory of the storm, as each has its own Lambda. */
  private ports(cluster: StormCluster): Ports {
    const { clock, ids, store, executions, events } = this;
    const leases = cluster.leases();
    const shared = { clock, ids, leases, executions, events, settings: store.settings, journal: store.journal };
    return {
      ...shared,
      waits: store.waits,
      tasks: createMemoryTasks({ clock }),
      reports: cluster.reports(),
      poker: createMemoryPoker(),
      ...(this.options.naive ? {} : { brake: this.brake }),
      ...this.moving(cluster, leases),
    };
  }

  private moving(cluster: StormCluster, leases: Ports['leases']): Pick<Ports, 'power' | 'vip'> {
    const { clock, ids, account, fleet, random } = this;
    const { importance } = cluster;
    const governor: Governor | null = this.options.naive ? null : createGovernor({ fleet, clock, ids, patienceMs });
    const addresses = governor
      ? governedAddresses(governor, account.addresses, importance)
      : throughSdk(account.addresses, clock, random);
    const zone = governor ? governedZone(governor, account.zone, importance) : throughSdk(account.zone, clock, random);
    const epochOf = storedEpoch(leases);
    return {
      power: governor ? governedPower(governor, account.power) : throughSdk(account.power, clock, random),
      vip:
        this.options.vip === 'eip'
          ? createVip(addresses, { clock, epochOf, readBackMs: 10_000, pollMs: 100 })
          : createRecordVip(zone, { clock, nameServers: account.nameServers, askMs: 500, getChangeMs: 2000 }),
    };
  }

  private told(): StormResult {
    const { result, account } = this;
    result.apis = Object.fromEntries([...account.ledger.apis].sort(([a], [b]) => (a < b ? -1 : 1)));
    result.broken.push(...account.broken);
    result.pages = this.events.published.filter(({ type }) => type === 'Attention Needed').length;
    result.clusters = this.clusters.map(({ config: { name }, importance, writableAtMs }) => ({
      ...{ name, importance, writableAtMs, executions: this.started.get(name) ?? 0 },
    }));
    return result;
  }
}

export const runStorm = (options: StormOptions): Promise<StormResult> => new Storm(options).run();
