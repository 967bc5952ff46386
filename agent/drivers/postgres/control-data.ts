// The engine's control file, through pg_controldata (its layout differs between versions), and what it proves about a
// stopped engine. Read again only when the file changed: a stopped engine is asked for its status ten times a second.

import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '../../../core/model';
import { run } from './commands';
import type { Settled } from './options';
import { parseLsn, recordEnd, segmentName } from './wal';

export interface ControlData {
  /** As pg_controldata says it: `shut down`, `in production`, `shut down in recovery`, … */
  state: string;
  dataId: string;
  checkpoint: Position;
  /** What a backup must replay before it is consistent; null on a main. */
  minRecovery: Position | null;
  segmentBytes: number;
  /** What the main had: a backup with less refuses to start. */
  maxWalSenders: number;
  /** The others of the kind, by their names in the configuration. */
  atLeast: Record<string, number>;
}

/** Setting, and what pg_controldata calls it. */
const settingLabels = {
  max_connections: 'max_connections',
  max_worker_processes: 'max_worker_processes',
  max_prepared_transactions: 'max_prepared_xacts',
  max_locks_per_transaction: 'max_locks_per_xact',
};

function parse(output: string): ControlData | null {
  const value = (label: string) =>
    output
      .split('\n')
      .find((line) => line.startsWith(`${label}:`))
      ?.slice(label.length + 1)
      .trim();
  const state = value('Database cluster state');
  const dataId = value('Database system identifier');
  const at = value('Latest checkpoint location');
  if (!state || !dataId || !at) return null;
  const minimum = Number(value("Min recovery ending loc's timeline") ?? 0);
  return {
    state,
    dataId,
    checkpoint: { timeline: Number(value("Latest checkpoint's TimeLineID")), bytes: parseLsn(at) },
    minRecovery:
      minimum > 0 ? { timeline: minimum, bytes: parseLsn(value('Minimum recovery ending location') ?? '0/0') } : null,
    segmentBytes: Number(value('Bytes per WAL segment')),
    maxWalSenders: Number(value('max_wal_senders setting') ?? 0),
    atLeast: Object.fromEntries(
      Object.entries(settingLabels).map(([name, label]) => [name, Number(value(`${label} setting`))]),
    ),
  };
}

/** A backup's data: a plain start would make it a second main on the same timeline. */
export const isBackupData = ({ state }: ControlData): boolean =>
  state === 'in archive recovery' || state === 'shut down in recovery';

export class ControlFile {
  private cached: { mark: string; data: ControlData | null } | null = null;

  constructor(private readonly options: Settled) {}

  /** Null when there is no database here. */
  async read(how: 'cached' | 'fresh' = 'cached'): Promise<ControlData | null> {
    const { dataDir, engineStopMs } = this.options;
    const found = await stat(join(dataDir, 'global', 'pg_control')).catch(() => null);
    if (!found) return null;
    const mark = `${found.ino} ${found.mtimeMs}`;
    if (how === 'cached' && this.cached?.mark === mark) return this.cached.data;
    const { ok, output } = await run(this.options, 'pg_controldata', ['-D', dataDir], 5 * engineStopMs);
    const data = ok ? parse(output) : null;
    if (data) this.cached = { mark, data };
    return data;
  }

  /** Last position of a stopped engine; null when only a start could tell (it crashed). */
  async stoppedAt(how: 'cached' | 'fresh' = 'cached'): Promise<Position | null> {
    const data = await this.read(how);
    if (data?.state === 'shut down') return endOfCheckpoint(this.options, data);
    return data?.state === 'shut down in recovery' ? data.minRecovery : null;
  }
}

/**
 * End of the checkpoint record that a clean stop wrote. A follower that has this byte has the whole history, so the
 * stopped main can follow it without a rewind; with only the record's beginning it would have forked.
 */
async function endOfCheckpoint({ paths }: Settled, { checkpoint, segmentBytes }: ControlData): Promise<Position> {
  const { timeline, bytes } = checkpoint;
  const handle = await open(join(paths.wal, segmentName(timeline, bytes, segmentBytes)), 'r').catch(() => null);
  if (!handle) return checkpoint;
  // A record begins with its length, four bytes that never straddle a page.
  const length = Buffer.alloc(4);
  await handle.read(length, 0, 4, bytes % segmentBytes).finally(() => handle.close());
  return { timeline, bytes: recordEnd(bytes, length.readUInt32LE(), segmentBytes) };
}
