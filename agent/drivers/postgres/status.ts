// What the engine is doing now, in one statement over a session that stays open; of a stopped one, what its control file
// proves. Never says writable on a guess, and never takes a number of a timeline from memory.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineStatus, type Position, unknownEngine } from '../../../core/model';
import { readText } from '../../files';
import type { Engine } from './engine';
import type { Settled } from './options';
import { type Row, textOf } from './session';
import { configuredMain, peerOf } from './settings';
import { type Ancestry, forkOf, historyName, parseHistory, parseLsn, parseSegment, segmentName } from './wal';

const QUESTION = `
  select r.backup, i.bytes_per_wal_segment segment, s.system_identifier::text data_id,
    case when r.backup then null else pg_current_wal_flush_lsn()::text end flushed,
    case when r.backup then null else pg_current_wal_insert_lsn()::text end inserted,
    case when r.backup then null else left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) end timeline,
    pg_last_wal_receive_lsn()::text received, pg_last_wal_replay_lsn()::text replayed,
    array(select slot_name::text from pg_replication_slots where slot_type = 'logical') logical,
    w.status, w.received_tli, w.sender_host, w.sender_port, current_setting('primary_conninfo') main
  from (select pg_is_in_recovery() backup) r cross join pg_control_init() i cross join pg_control_system() s
    left join pg_stat_wal_receiver w on true`;

/** The histories that this node has on disk, by timeline. */
export async function localAncestry({ paths }: Settled, timeline: number): Promise<Ancestry> {
  return parseHistory(timeline, await readText(join(paths.wal, historyName(timeline))));
}

/** The newest timeline that has WAL at this position: names on disk, because a receiver that is gone tells nothing. */
async function timelineOnDisk({ paths }: Settled, bytes: number, segmentBytes: number): Promise<number> {
  const suffix = segmentName(0, Math.max(0, bytes - 1), segmentBytes).slice(8);
  const names = await readdir(paths.wal).catch(() => []);
  return Math.max(
    1,
    ...names.filter((name) => name.endsWith(suffix)).map((name) => Number.parseInt(name.slice(0, 8), 16)),
  );
}

/** The newest timeline that has any WAL here, stopped or running. */
export async function newestTimeline({ paths }: Settled, segmentBytes: number): Promise<number> {
  const names = await readdir(paths.wal).catch(() => []);
  return Math.max(1, ...names.map((name) => parseSegment(name, segmentBytes)?.timeline ?? 1));
}

export class StatusReader {
  /** Since when nothing more has reached the disk, though there is more to write. */
  private stuck: { flushedBytes: number; sinceMs: number } | null = null;
  /** When this backup last showed all that it had. */
  private caughtUpAtMs: number | null = null;
  private fork: { timeline: number; position: Position | null } | null = null;

  constructor(
    private readonly options: Settled,
    private readonly engine: Engine,
  ) {}

  async read(): Promise<EngineStatus> {
    if (this.engine.pid() === null) return this.stopped();
    const answer = await this.engine.session.ask(QUESTION);
    const row = answer.ok ? answer.value[0] : undefined;
    if (row) return row.backup === true ? this.backup(row) : this.main(row);
    return { ...unknownEngine, running: true, problem: answer.ok ? 'no answer' : answer.error };
  }

  private async stopped(): Promise<EngineStatus> {
    const data = await this.engine.control.read();
    if (!data) return { ...unknownEngine, problem: `no database in ${this.options.dataDir}` };
    const at = await this.engine.control.stoppedAt();
    const interrupted = (await readText(this.options.paths.marker)) !== null;
    return {
      ...unknownEngine,
      // Half-rewound data proves nothing about a position (T35).
      received: interrupted ? null : at,
      applied: interrupted ? null : at,
      following: (await configuredMain(this.options))?.name ?? null,
      dataId: data.dataId,
      forkedAt: at ? await this.forkedAt(at.timeline) : null,
      problem: interrupted ? 'a rewind or reseed was interrupted' : null,
    };
  }

  private async main(row: Row): Promise<EngineStatus> {
    const timeline = Number.parseInt(textOf(row, 'timeline') ?? '1', 16);
    const at = { timeline, bytes: parseLsn(textOf(row, 'flushed') ?? '0/0') };
    const stuckMs = this.stuckMs(at.bytes, parseLsn(textOf(row, 'inserted') ?? '0/0'));
    if (stuckMs >= this.options.stallMs)
      return { ...unknownEngine, running: true, problem: `nothing has reached the disk for ${Math.round(stuckMs)} ms` };
    const forkedAt = await this.forkedAt(timeline);
    return {
      ...unknownEngine,
      running: true,
      writable: true,
      received: at,
      applied: at,
      logicalSlots: Array.isArray(row.logical) ? row.logical.map(String) : [],
      dataId: textOf(row, 'data_id'),
      forkedAt,
    };
  }

  /** How long the disk has owed an answer, in ms: WAL waits to be written, and none of it gets there. */
  private stuckMs(flushedBytes: number, insertedBytes: number): number {
    const nowMs = this.options.clock.nowMs();
    const moves = insertedBytes <= flushedBytes || this.stuck?.flushedBytes !== flushedBytes;
    if (insertedBytes <= flushedBytes) this.stuck = null;
    else if (moves) this.stuck = { flushedBytes, sinceMs: nowMs };
    return this.stuck === null ? 0 : nowMs - this.stuck.sinceMs;
  }

  private async backup(row: Row): Promise<EngineStatus> {
    const replayed = parseLsn(textOf(row, 'replayed') ?? '0/0');
    const bytes = Math.max(replayed, parseLsn(textOf(row, 'received') ?? '0/0'));
    const live = Number(row.received_tli ?? 0);
    const timeline = live > 0 ? live : await timelineOnDisk(this.options, bytes, Number(row.segment));
    const peer = peerOf(this.options, textOf(row, 'main'));
    const nowMs = this.options.clock.nowMs();
    if (replayed >= bytes || this.caughtUpAtMs === null) this.caughtUpAtMs = nowMs;
    return {
      ...unknownEngine,
      running: true,
      received: { timeline, bytes },
      applied: { timeline, bytes: replayed },
      replayLagMs: Math.round(nowMs - this.caughtUpAtMs),
      following: peer?.name ?? null,
      // The receiver may still hang on the previous main's stream: that one is no stream of this node's main (T36).
      streaming:
        peer !== null &&
        row.status === 'streaming' &&
        row.sender_host === peer.host &&
        Number(row.sender_port) === peer.port,
      dataId: textOf(row, 'data_id'),
      forkedAt: await this.forkedAt(timeline),
    };
  }

  private async forkedAt(timeline: number): Promise<Position | null> {
    if (this.fork?.timeline !== timeline)
      this.fork = { timeline, position: forkOf(await localAncestry(this.options, timeline)) };
    // A history file may arrive after its timeline: what was not found is looked for again.
    const { position } = this.fork;
    if (position === null && timeline > 1) this.fork = null;
    return position;
  }
}
