// One AWS account in virtual time as Mainstay meets it in a storm: EC2's power and addresses, Route 53's zones, with the quotas that AWS
// publishes, realistic delays, and a count of every call. What the calls mean is the memory adapters' business.

import type { Addresses } from '../../adapters/address-vip';
import { createMemoryPower } from '../../adapters/memory/power';
import { createMemoryAddresses } from '../../adapters/memory/vip';
import { createMemoryZone, type MemoryZone } from '../../adapters/memory/zone';
import type { NameServers } from '../../adapters/name-servers';
import { broken, unreachable } from '../../adapters/problems';
import type { NameChange, Zone } from '../../adapters/record-zone';
import type { OutsideProblem } from '../../core/errors';
import { quotas } from '../../core/fleet';
import type { Clock, Outside, PerInstance, Power } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import type { Random } from '../sim/random';
import { type Bucket, createBucket, Ledger } from './bucket';

export interface AccountOptions {
  clock: Clock;
  random: Random;
  instanceIds: readonly string[];
  allocationIds: readonly string[];
  zoneIds: readonly string[];
  /** An address has arrived at an instance, or a record at every name server; `target` is what it leads to. */
  onVip: (vip: string, target: string) => void;
}

/** Published limits of one call, held against what is sent. */
const limits = { idsPerStop: 50, changesPerBatch: 1000, valueCharacters: 32_000 };

/** Route 53 refuses a second change of a zone while it works on one; it says INSYNC when all name servers have it. */
const zoneBusyMs = [200, 1200] as const;
const spreadMs = [3000, 20_000] as const;

/** One token per instance id. */
const quotaOfIds = { burst: 1000, perSecond: 20 };
/** By force and without a shutdown most instances are stopped within 15 s, and some take most of a minute. */
const stopMs = (random: Random): number => 6000 + 45_000 * random.next() ** 4;

export class Account {
  readonly ledger = new Ledger();
  readonly addresses: Addresses;
  readonly zone: Zone;
  readonly nameServers: NameServers;
  /** Limits that a call broke: none may. */
  readonly broken: string[] = [];
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly options: AccountOptions) {
    this.power = this.makePower();
    this.addresses = this.makeAddresses();
    const zones = new Map(options.zoneIds.map((zoneId) => [zoneId, createMemoryZone({ zoneId })]));
    this.zone = this.makeZone(zones);
    this.nameServers = { ask: async (_server, name) => this.resolved.get(name) ?? null };
    this.zones = zones;
  }

  readonly zones: Map<string, MemoryZone>;
  /** How it is before the storm, past every quota. */
  giveAddress: (allocationId: string, instanceId: string) => void = () => undefined;
  readonly power: Power;
  /** What the name servers answer by now. */
  readonly resolved = new Map<string, string[]>();

  /** The bucket of this name, full when it is first asked for. */
  bucket(name: string, size: { burst: number; perSecond: number }): Bucket {
    const bucket = this.buckets.get(name) ?? createBucket(this.options.clock, size);
    this.buckets.set(name, bucket);
    return bucket;
  }

  /** One call to EC2: a bucket per action, and a delay within these bounds. */
  ec2<T>(
    action: keyof typeof quotas,
    { ms, bodies = 1, more = [] }: { ms: readonly [number, number]; bodies?: number; more?: [Bucket, number][] },
    run: () => Outside<T>,
  ): Outside<T> {
    const own: [Bucket, number] = [this.bucket(action, quotas[action]), 1];
    const terms = { from: [own, ...more], error: 'RequestLimitExceeded', bodies };
    return this.ledger.call(action, terms, async () => {
      await this.pause(ms);
      return run();
    });
  }

  pause([low, high]: readonly [number, number]): Promise<void> {
    return this.options.clock.sleep(this.options.random.between(low, high));
  }

  /** Every instance of its own, because each takes its own time to stop. */
  private makePower(): Power {
    const { clock, random, instanceIds } = this.options;
    const instances = new Map(
      instanceIds.map((id) => [id, createMemoryPower({ clock, instanceIds: [id], stopMs: stopMs(random) })]),
    );
    const tokens = this.bucket('ec2:StopInstances ids', quotaOfIds);
    const each = async <T>(ids: readonly string[], run: (power: Power, id: string) => Outside<PerInstance<T>>) => {
      const all = new Map<string, Result<T, OutsideProblem>>();
      for (const id of ids) {
        const answer = await run(instances.get(id) as Power, id);
        if (answer.ok) for (const [key, one] of answer.value) all.set(key, one);
      }
      return ok(all);
    };
    const states = (ids: readonly string[]) =>
      this.ec2('ec2:DescribeInstances', { ms: [80, 200], bodies: ids.length }, () =>
        each(ids, (power, id) => power.states([id])),
      );
    return {
      states,
      state: async (id) => {
        const answer = await states([id]);
        return answer.ok ? (answer.value.get(id) ?? fail(broken(`EC2 does not know ${id}`, 'correct it'))) : answer;
      },
      cut: (ids) => {
        if (ids.length > limits.idsPerStop) this.broken.push(`${ids.length} instances in one StopInstances`);
        const terms = {
          ms: [300, 800] as const,
          bodies: ids.length,
          more: [[tokens, ids.length]] as [Bucket, number][],
        };
        return this.ec2('ec2:StopInstances', terms, () => each(ids, (power, id) => power.cut([id])));
      },
      start: (id) =>
        this.ec2('ec2:StartInstances', { ms: [300, 800] }, async () => (instances.get(id) as Power).start(id)),
    };
  }

  private makeAddresses(): Addresses {
    const { allocationIds, onVip } = this.options;
    const inner = createMemoryAddresses({
      allocationIds,
      onChange: (id, instanceId) => void (instanceId && onVip(id, instanceId)),
    });
    const look = [60, 150] as const;
    const change = [250, 600] as const;
    this.giveAddress = inner.steal;
    return {
      describe: (id) => this.ec2('ec2:DescribeAddresses', { ms: look }, () => inner.describe(id)),
      describeMany: (ids) =>
        this.ec2('ec2:DescribeAddresses', { ms: look, bodies: ids.length }, () => inner.describeMany(ids)),
      associate: (id, target) => this.ec2('ec2:AssociateAddress', { ms: change }, () => inner.associate(id, target)),
      disassociate: (id) => this.ec2('ec2:DisassociateAddress', { ms: change }, () => inner.disassociate(id)),
    };
  }

  private route53<T>(action: string, bodies: number, run: () => Outside<T>): Outside<T> {
    const from: [Bucket, number][] = [
      [this.bucket('route53', quotas.route53), 1],
      [this.bucket(action, quotas.route53), 1],
    ];
    return this.ledger.call(`route53:${action}`, { from, error: 'Throttling', bodies }, async () => {
      await this.pause([80, 300]);
      return run();
    });
  }

  private makeZone(zones: Map<string, MemoryZone>): Zone {
    const busy = new Map<string, number>();
    const changeMany = (zoneId: string, wanted: readonly NameChange[]) =>
      this.route53('ChangeResourceRecordSets', wanted.length, () => this.changed(zones, busy, zoneId, wanted));
    const of = (zoneId: string) => zones.get(zoneId) as MemoryZone;
    return {
      list: (zoneId, names) =>
        this.route53('ListResourceRecordSets', names.length, () => of(zoneId).list(zoneId, names)),
      change: (zoneId, name, changes) => changeMany(zoneId, [{ name, changes }]),
      changeMany,
      spread: (change) => this.route53('GetChange', 1, async () => ok(this.settled.has(change))),
      nameServers: () => this.route53('GetHostedZone', 1, async () => ok(['ns-1.example.com', 'ns-2.example.net'])),
    };
  }

  private readonly settled = new Set<string>();

  private async changed(
    zones: Map<string, MemoryZone>,
    busy: Map<string, number>,
    zoneId: string,
    wanted: readonly NameChange[],
  ): Outside<string> {
    const { clock, random } = this.options;
    this.judge(wanted);
    if ((busy.get(zoneId) ?? 0) > clock.nowMs()) {
      this.ledger.of('route53:ChangeResourceRecordSets').throttled += 1;
      const error = 'PriorRequestNotComplete';
      return fail(unreachable(`route53:ChangeResourceRecordSets: ${error}`, 'try again later', { error }));
    }
    const done = await (zones.get(zoneId) as MemoryZone).changeMany(zoneId, wanted);
    if (!done.ok) return done;
    busy.set(zoneId, clock.nowMs() + random.between(...zoneBusyMs));
    void clock.sleep(random.between(...spreadMs)).then(() => this.spread(`${zoneId}${done.value}`, wanted));
    return ok(`${zoneId}${done.value}`);
  }

  private judge(wanted: readonly NameChange[]): void {
    const changes = wanted.flatMap((each) => [...each.changes]);
    const characters = changes.flatMap(({ set }) => set.values).join('').length;
    if (changes.length > limits.changesPerBatch) this.broken.push(`${changes.length} changes in one batch`);
    if (characters > limits.valueCharacters) this.broken.push(`${characters} characters of values in one batch`);
  }

  private spread(change: string, wanted: readonly NameChange[]): void {
    this.settled.add(change);
    for (const { name, changes } of wanted) {
      const address = changes.find(({ action, set }) => action === 'CREATE' && set.type === 'A')?.set.values[0];
      if (address === undefined) continue;
      this.resolved.set(name, [address]);
      this.options.onVip(name, address);
    }
  }
}
