// One cluster in a storm: its configuration, its nodes as they would report, and when it was what. The nodes do what agents do, in a
// few lines: the candidate becomes main some time after it was granted the lease, the others follow. Real agents against real
// faults are test/sim's business; here a thousand clusters share one account.

import type { Importance } from '../../core/fleet';
import { changed } from '../../core/lease';
import type { ClusterConfig, FenceRung, Lease, Report } from '../../core/model';
import type { Clock, Ids, LeaseStore } from '../../core/ports';
import { ok } from '../../core/result';
import type { Random } from '../sim/random';
import { aConfig, aNode, aReport } from '../support/samples';

export type VipKind = 'eip' | 'route53';

export interface ClusterOptions {
  number: number;
  vip: VipKind;
  zones: number;
  fence: readonly FenceRung[];
  importance: Importance;
}

const mains = ['db1', 'db2', 'db3'] as const;

export function stormConfig({ number, vip, zones, fence, importance }: ClusterOptions): ClusterConfig {
  const name = `c${number}`;
  const place = { host: '203.0.113.10', port: 5432 };
  const zone = `Z${number % zones}`;
  return aConfig(name, {
    nodes: mains.map((node, at) =>
      aNode(node, {
        instanceId: `i-${name}-${node}`,
        zone: `eu-central-1${'abc'[at]}`,
        host: `10.${at}.${number >> 8}.${number & 255}`,
      }),
    ),
    vip:
      vip === 'eip'
        ? { kind: 'eip', allocationId: `eipalloc-${name}`, ...place }
        : {
            kind: 'route53',
            hostedZoneId: zone,
            name: `${name}.${zone}.example.com`.toLowerCase(),
            ttlS: 5,
            private: false,
            ...place,
          },
    fence: [...fence],
    consumers: [],
    importance,
  });
}

export class StormCluster {
  /** Since the zone was lost, in ms. */
  mainAtMs: number | null = null;
  vipAtMs: number | null = null;
  fencedAtMs: number | null = null;
  vipAt: string | null = 'db1';
  /** Epoch to holder: what must be one. */
  readonly holders = new Map<number, Set<string>>();
  readonly faults: string[] = [];

  constructor(
    readonly config: ClusterConfig,
    readonly importance: Importance,
    private readonly parts: { clock: Clock; random: Random; ids: Ids; leases: LeaseStore },
  ) {}

  get writableAtMs(): number | null {
    return this.mainAtMs === null || this.vipAtMs === null ? null : Math.max(this.mainAtMs, this.vipAtMs);
  }

  /** What its VIP is called in the account. */
  get vipId(): string {
    return this.config.vip.kind === 'eip' ? this.config.vip.allocationId : this.config.vip.name;
  }

  vipArrived(target: string): void {
    const node = this.config.nodes.find(({ instanceId, host }) => target === instanceId || target === host);
    this.vipAt = node?.name ?? null;
    if (node && node.name !== 'db1') this.vipAtMs ??= this.parts.clock.nowMs();
  }

  /** The store as an execution sees it; what is granted sets the node to work. */
  leases(): LeaseStore {
    const { leases } = this.parts;
    return {
      read: (cluster) => leases.read(cluster),
      swap: async (was, next) => {
        const swapped = await leases.swap(was, next);
        if (swapped.ok) this.note(swapped.value);
        return swapped;
      },
    };
  }

  private note({ epoch, holder, phase, fence }: Lease): void {
    if (fence !== null) this.fencedAtMs ??= this.parts.clock.nowMs();
    if (phase !== 'granted' || holder === null) return;
    const holders = this.holders.get(epoch) ?? new Set();
    this.holders.set(epoch, holders.add(holder));
    if (holders.size > 1) this.faults.push(`epoch ${epoch} was granted to ${[...holders].join(' and ')}`);
    if (fence === null) this.faults.push(`epoch ${epoch} was granted without a fence`);
    void this.promote(holder, epoch);
  }

  /** Looks ten times a second, and takes a while to promote. */
  private async promote(node: string, epoch: number): Promise<void> {
    const { clock, random, ids, leases } = this.parts;
    await clock.sleep(random.between(10, 100) + random.between(300, 1500));
    for (let round = 0; round < 5; round++) {
      const read = await leases.read(this.config.name);
      if (!read.ok || read.value === null || read.value.epoch !== epoch) return;
      const next = changed(read.value, 'renew', { node, epoch }, ids.next());
      if (!next.ok) return;
      if ((await leases.swap(read.value, next.value)).ok) {
        this.mainAtMs ??= clock.nowMs();
        return;
      }
    }
  }

  /** What the nodes report by now: db1 is as it was when its zone was lost, the others have seen the lease. */
  reports() {
    return {
      put: async () => ok(undefined),
      list: async () => {
        const read = await this.parts.leases.read(this.config.name);
        return read.ok && read.value ? ok(mains.map((node) => this.reportOf(node, read.value as Lease))) : ok([]);
      },
    };
  }

  private reportOf(node: string, { epoch, version, holder, phase, operation }: Lease): Report {
    const { name } = this.config;
    if (node === 'db1') {
      const { engine } = aReport(name, node);
      const running = { ...engine, writable: true, following: null, streaming: false };
      return aReport(name, node, { state: 'main', rule: 'R100', engine: running, deadman: 'armed' });
    }
    const report = aReport(name, node, { seen: { epoch, version } });
    const main = node === holder && phase === 'held';
    const following = holder !== null && holder !== 'db1' ? holder : 'db1';
    const probed = operation?.probeEpoch === epoch && this.vipAt === holder && this.mainAtMs !== null;
    return {
      ...report,
      engine: { ...report.engine, writable: main, following: main ? null : following, streaming: !main },
      probe: probed ? { epoch, accepted: true, ms: 5, message: 'written' } : null,
    };
  }
}
