// Writes the node's report: at once when something changed that others wait for, otherwise every `reportMs`. What cannot
// be written is due again in the next round. A report claims only what was seen after the lease version it names.

import type { ProbeResult, Report } from '../core/model';
import type { Decision } from '../core/rules';
import type { EngineWork } from './engine-work';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

export class Reporter {
  private readonly boot: string;
  private seq = 0;
  private written = { key: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    private readonly work: EngineWork,
  ) {
    this.boot = parts.ids.next();
  }

  /** `alert`: somebody may wait for positions and for what this node has seen. */
  async report(decision: Decision, probe: ProbeResult | null, alert: boolean): Promise<void> {
    const { clock, reports, ids, config } = this.parts;
    const report = this.compose(decision, probe);
    const key = changeKey(report, alert);
    if (key === this.written.key && clock.nowMs() - this.written.atMs < config.timings.reportMs) return;
    this.seq += 1;
    const put = await reports.put({ ...report, seq: this.seq });
    this.written = put.ok ? { key, atMs: clock.nowMs() } : { key: ids.next(), atMs: Number.NEGATIVE_INFINITY };
  }

  private compose({ rule, because }: Decision, probe: ProbeResult | null): Report {
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
      deadman: deadman.status(),
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
  const { seen, state, rule, engine, deadman, final, probe, rejoin } = report;
  const { running, writable, streaming, following, problem } = engine;
  const waitedFor = alert ? [seen.version, engine.received?.bytes] : [];
  const told = [
    seen.epoch,
    state,
    rule,
    running,
    writable,
    streaming,
    following,
    problem,
    deadman,
    final,
    probe,
    rejoin,
  ];
  return JSON.stringify([...told, ...waitedFor]);
}
