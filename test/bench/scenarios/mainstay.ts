// Mainstay as a system under test: the local stack in namespaces, as the demo deploys it, with the timings of a preset. Its functions
// have been warmed up once, as the deployed stack does every five minutes; no cluster of a peer starts cold either.

import { promiseMs, timingPresets } from '../../../core/timings';
import { nodeFiles } from '../../../local/layout';
import { written } from '../../../local/netns-backend';
import type { Cut } from '../../../local/network';
import { processesIn } from '../../../local/processes';
import { World } from '../../support/e2e';
import type { NodeName, Preset, SystemUnderTest } from './system';

/** The one that is seated; `beside` stands beside it. */
const firstMain: NodeName = 'db1';
const cluster = 'alpha';
/** Names of the bench, and what they are in the local stack. */
const placeOf = (place: string): string => ({ store: 'cloud', beside: `by-${firstMain}` })[place] ?? place;

class Mainstay implements SystemUnderTest {
  readonly name = 'mainstay';
  readonly replication = 'asynchronous';
  readonly timings: string;
  private world: World | null = null;
  private ended: Promise<void> | null = null;

  constructor(readonly preset: Preset) {
    const { ttlMs, heartbeatMs } = timingPresets[preset];
    this.timings = `ttl ${ttlMs} ms, renewed every ${heartbeatMs} ms, promise ${promiseMs(timingPresets[preset])} ms`;
  }

  private get seated(): World {
    if (!this.world) throw new Error('not up');
    return this.world;
  }

  async up(): Promise<void> {
    const options = { backend: 'netns' as const, cluster: { timings: { preset: this.preset } } };
    this.world = await World.seated(options);
    await this.world.warmUp();
    if (this.ended) await this.world.stop();
  }

  async main(): Promise<NodeName | null> {
    const { phase, holder } = await this.seated.lease();
    return phase === 'held' ? (holder as NodeName | null) : null;
  }

  hosts = () => [this.seated.stack.facts.vip];
  switchover = async (to: NodeName): Promise<void> => void (await this.seated.must('switch', cluster, '--to', to));
  at = (place: string): string[] => this.seated.stack.facts.places[placeOf(place)] ?? [];
  cut = (cuts: readonly Cut[]): Promise<void> =>
    this.seated.stack.order('cut', firstMain, {
      cuts: written(cuts.map(([from, to]): Cut => [placeOf(from), placeOf(to)])),
    });
  powerOff = (node: NodeName): Promise<void> => this.seated.stack.order('pull-plug', node);
  dataDirOf = (node: NodeName): string => nodeFiles(this.seated.stack.node(node).dir).data;
  enginePid = (node: NodeName): number => this.seated.enginePid(node);
  pids = (node: NodeName): number[] => processesIn(this.seated.stack.node(node).dir);
  query = <Row extends object>(node: NodeName, sql: string): Promise<Row[]> =>
    this.seated.sql(node, sql) as Promise<Row[]>;

  down(): Promise<void> {
    this.ended ??= this.world?.stop() ?? Promise.resolve();
    return this.ended;
  }
}

export const mainstay = (preset: Preset): SystemUnderTest => new Mainstay(preset);
