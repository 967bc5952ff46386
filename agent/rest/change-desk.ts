// A POST on a node becomes a real operation: judged by what the node knows, announced as an event with its epoch, started by dispatch.
// The node changes nothing itself. Whoever asks again while the first request is on its way asks for the same execution.

import { type ChangeRequested, changeName, judgeChange, type Role } from '../../core/change';
import type { Problem } from '../../core/errors';
import type { Clock, Events, Ids } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { roleOf, type Standing } from './standing';

/** An event that has started nothing by then was lost, or refused by the first step: the next request is a new one. */
const ON_ITS_WAY_MS = 10_000;

export interface ChangeDeskParts {
  events: Events;
  clock: Clock;
  ids: Ids;
  /** For the journal. */
  record: (rule: string, because: string) => void;
}

export class ChangeDesk {
  private last: (ChangeRequested & { atMs: number; delivered: boolean }) | null = null;

  constructor(private readonly parts: ChangeDeskParts) {}

  /** The name of the execution that is on its way, null when it is so already; or why there is none. */
  async ask(standing: Standing, change: Role, from: string): Promise<Result<{ operation: string | null }, Problem>> {
    const pending = this.pendingFor(standing, change);
    if (pending?.delivered) return ok({ operation: changeName(pending) });
    const verdict = judgeChange({ ...standing, change, role: roleOf(standing) });
    if (verdict.how === 'refused') return fail(verdict.problem);
    if (verdict.how === 'already') return ok({ operation: null });
    const { kind, to, because } = verdict;
    const request = pending?.request ?? this.parts.ids.next();
    const { cluster, me, lease } = standing;
    const detail = {
      cluster,
      epoch: lease?.epoch ?? 0,
      node: me,
      change,
      kind,
      to,
      by: `rest:${me} (${from})`,
      request,
    };
    return this.announce(detail, because);
  }

  private async announce(detail: ChangeRequested, because: string): Promise<Result<{ operation: string }, Problem>> {
    const { events, clock, record } = this.parts;
    const remembered = { ...detail, atMs: clock.nowMs(), delivered: false };
    this.last = remembered;
    record('rest', `${detail.by} asks ${detail.node} to become ${detail.change}: ${detail.kind}, ${because}`);
    const told = await events.publish({ type: 'Change Requested', cluster: detail.cluster, detail: { ...detail } });
    if (!told.ok) return fail({ ...told.error, message: `the request could not be announced: ${told.error.message}` });
    remembered.delivered = true;
    return ok({ operation: changeName(detail) });
  }

  /** The same request as a moment ago, at the same epoch, unless what it started has been seen. */
  private pendingFor({ lease }: Standing, change: Role) {
    const { last } = this;
    if (last === null || last.change !== change || last.epoch !== lease?.epoch) return null;
    if (lease.operation?.id === changeName(last)) return last;
    return this.parts.clock.nowMs() - last.atMs < ON_ITS_WAY_MS && lease.operation === null ? last : null;
  }
}
