// Writes the node's report: at once when something changed that others wait for, otherwise every `reportMs`. What cannot
// be written is due again in the next round. A report claims only what was seen after the lease version it names.

import type { GateStatus } from '../core/gate';
import type { ProbeResult, Report } from '../core/model';
import type { Decision } from '../core/rules';
import type { EngineWork } from './engine-work';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

export class Reporter {
  private readonly boot: string;
  private seq = 0;
  private written = { key: '', atMs: Number.NEGATIVE_INFINITY };
  private gate: { seen: GateStatus; atMs: number } | null = null;
  /** Undefined until the report of this node's earlier life was looked at. */
  private followed: number | null | undefined;

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    private readonly work: EngineWork,
    private readonly bound: () => boolean,
  ) {
    this.boot = parts.ids.next();
  }

  /** `alert`: somebody may wait for positions and for what this node has seen. */
  async report(decision: Decision, probe: ProbeResult | null, alert: boolean): Promise<void> {
    const { clock, reports, ids, config } = this.parts;
    const followed = await this.nowFollowed();
    if (followed === undefined) return;
    const report = { ...this.compose(decision, probe, followed), gate: await this.gateNow() };
    const key = changeKey(report, alert);
    if (key === this.written.key && clock.nowMs() - this.written.atMs < config.timings.reportMs) return;
    this.seq += 1;
    const put = await reports.put({ ...report, seq: this.seq });
    this.written = put.ok ? { key, atMs: clock.nowMs() } : { key: ids.next(), atMs: Number.NEGATIVE_INFINITY };
  }

  /** What an earlier life of this node has followed is in its last report: it must not be overwritten before it was read. */
  private async nowFollowed(): Promise<number | null | undefined> {
    if (this.followed === undefined) {
      const { reports, config, me } = this.parts;
      const listed = await reports.list(config.name);
      if (!listed.ok) return undefined;
      this.followed = listed.value.find(({ node }) => node === me.name)?.followed ?? null;
    }
    const { lease, holdsIt } = this.keeper;
    const { engine } = this.work;
    const follows = holdsIt ? engine.writable : engine.streaming && engine.following === lease?.holder;
    if (lease?.phase === 'held' && follows) this.followed = lease.epoch;
    return this.followed;
  }

  /** Looked at once a heartbeat: a look costs a few ms, and rounds are ten times as frequent while somebody waits. */
  private async gateNow(): Promise<NonNullable<Report['gate']>> {
    const { gate, clock, config } = this.parts;
    if (this.gate === null || clock.nowMs() - this.gate.atMs >= 0.9 * config.timings.heartbeatMs)
      this.gate = { seen: await gate.status(), atMs: clock.nowMs() };
    const { state, intact, repairs, problem } = this.gate.seen;
    return { state, intact, repairs, problem };
  }

  private compose({ rule, because }: Decision, probe: ProbeResult | null, followed: number | null): Report {
    const { config, me, deadman, version, clock } = this.parts;
    const { lease } = this.keeper;
    const { state, engine, final, rejoin } = this.work;
    return {
      cluster: config.name,
      node: me.name,
      boot: this.boot,
      seq: this.seq,
      seen: { epoch: lease?.epoch ?? 0, version: lease?.version ?? 0 },
      state,
      rule,
      because,
      engine,
      followed,
      deadman: deadman.status(),
      ...(config.onStoreLoss === 'failsafe' ? { bound: this.bound() } : {}),
      final,
      probe,
      rejoin,
      agentVersion: version,
      at: clock.wall(),
    };
  }
}

/** What must be told at once; positions and versions alone only while somebody waits for them. */
function changeKey(report: Report, alert: boolean): string {
  const { seen, state, rule, engine, followed, deadman, gate, bound, final, probe, rejoin } = report;
  const { running, writable, streaming, following, problem, received, forkedAt } = engine;
  const waitedFor = alert ? [seen.version, received?.bytes] : [];
  const told = [
    seen.epoch,
    state,
    rule,
    running,
    writable,
    streaming,
    following,
    problem,
    // Whoever looks for a candidate asks which history this node is on.
    received?.timeline,
    forkedAt?.bytes,
    followed,
    deadman,
    gate,
    bound,
    final,
    probe,
    rejoin,
  ];
  return JSON.stringify([...told, ...waitedFor]);
}
