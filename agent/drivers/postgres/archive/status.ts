// How far the archive is behind, as the engine counts it and as its queue on disk shows it. Reads only; what cannot be read
// is null, never a reassuring number.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '../../../files';
import type { Engine } from '../engine';
import { textOf } from '../session';
import { parseLsn, parseSegment } from '../wal';
import { isPermitted } from './permit';

export interface ArchiveStatus {
  /** `waiting for a restart`: archive_mode takes effect at the engine's next start. */
  mode: 'on' | 'waiting for a restart' | 'unknown';
  /** This node's engine may push: the agent made it main. */
  pushes: boolean;
  /** WAL that is not in the repository yet: from the last archived segment to the end. Null without either. */
  lagBytes: number | null;
  /** Segments, and other files, that wait for the repository. */
  waiting: number;
  waitingBytes: number;
  /** Beyond this the waiting ones are given up. */
  queueMaxBytes: number;
  lastArchived: { segment: string; at: string } | null;
  /** Tries that failed since the engine's statistics were reset, and the last of them. */
  failed: number | null;
  lastFailed: { segment: string; at: string } | null;
  /** Given up because the queue was full: no point in time from the first on can be restored from a backup before it. */
  dropped: { count: number; first: string; last: string } | null;
}

const QUESTION = `
  select current_setting('archive_mode') mode, a.last_archived_wal, a.last_archived_time::text, a.failed_count,
    a.last_failed_wal, a.last_failed_time::text, i.bytes_per_wal_segment segment,
    case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn()::text end flushed
  from pg_stat_archiver a cross join pg_control_init() i`;

/** Null: this node has no archive. */
export async function readArchiveStatus(engine: Engine): Promise<ArchiveStatus | null> {
  const { archive, paths } = engine.options;
  if (!archive) return null;
  const answer = await engine.session.ask(QUESTION);
  const row = answer.ok ? answer.value[0] : undefined;
  const segmentBytes = (await engine.control.read())?.segmentBytes ?? 0;
  const notes = await readdir(join(paths.wal, 'archive_status')).catch(() => []);
  const waiting = notes.filter((name) => name.endsWith('.ready'));
  const segments = waiting.filter((name) => /^[0-9A-F]{24}(\.partial)?\.ready$/.test(name));
  const dropped = ((await readText(archive.dropped)) ?? '').split('\n').filter(Boolean).sort();
  const last = (what: string) => {
    const segment = textOf(row, `last_${what}_wal`);
    return segment ? { segment, at: textOf(row, `last_${what}_time`) ?? '' } : null;
  };
  const lastArchived = last('archived');
  // It may be a note about a backup or a partial segment: both begin with a segment's name.
  const at = lastArchived ? parseSegment(lastArchived.segment.slice(0, 24), segmentBytes) : null;
  const flushed = textOf(row, 'flushed');
  return {
    mode: row ? (row.mode === 'off' ? 'waiting for a restart' : 'on') : 'unknown',
    pushes: isPermitted(engine.options, engine.pid()),
    lagBytes: at && flushed ? Math.max(0, parseLsn(flushed) - at.bytes - segmentBytes) : null,
    waiting: waiting.length,
    waitingBytes: segments.length * segmentBytes,
    queueMaxBytes: archive.queueMaxBytes,
    lastArchived,
    failed: row ? Number(row.failed_count) : null,
    lastFailed: last('failed'),
    dropped: dropped.length > 0 ? { count: dropped.length, first: dropped[0] ?? '', last: dropped.at(-1) ?? '' } : null,
  };
}
