// Is this node's history a prefix of the main's? Asked before anything follows (T33, T39): PostgreSQL itself compares
// numbers of timelines, and two nodes that were promoted apart may have picked the same number.

import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeConfig, Position } from '../../../core/model';
import { run } from './commands';
import type { ControlData } from './control-data';
import type { Engine } from './engine';
import type { Settled } from './options';
import { textOf } from './session';
import { localAncestry, newestTimeline, type StatusReader } from './status';
import { askUpstream, type Upstream, withPeer } from './upstream';
import { type Ancestry, formatLsn, partingOf, segmentName } from './wal';

export type Verdict =
  | { kind: 'prefix'; main: Upstream }
  /** `fork`: the last point that both share. `rewindable` false: pg_rewind cannot tell the two apart. */
  | { kind: 'diverged'; main: Upstream; fork: Position; mine: Ancestry; rewindable: boolean; because: string }
  | { kind: 'foreign'; main: Upstream; because: string }
  | { kind: 'unreachable'; because: string };

export async function judgeAncestry(engine: Engine, status: StatusReader, node: NodeConfig): Promise<Verdict> {
  const { options } = engine;
  // My own position first: a follower that streams from the main is never beyond what the main says afterwards.
  const now = await status.read();
  const control = await engine.control.read();
  if (!control) return { kind: 'unreachable', because: 'this node has no database' };
  const asked = await askUpstream(options, node);
  if (!asked.ok) return { kind: 'unreachable', because: `${node.name} does not answer: ${asked.error}` };
  const main = asked.value;
  if (main.dataId !== control.dataId)
    return { kind: 'foreign', main, because: `${node.name} has data set ${main.dataId}, this node ${control.dataId}` };
  const live = now.running ? now.received : null;
  const timeline = live?.timeline ?? (await newestTimeline(options, control.segmentBytes));
  const mine = await localAncestry(options, timeline);
  const parting = partingOf(mine, main.ancestry);
  if (!parting) return { kind: 'foreign', main, because: 'the histories share no timeline' };
  return compare({ options, node, main, control, live, timeline, mine, parting });
}

interface Comparison {
  options: Settled;
  node: NodeConfig;
  main: Upstream;
  control: ControlData;
  /** What a running engine received; null when only the files can tell. */
  live: Position | null;
  timeline: number;
  mine: Ancestry;
  parting: Position;
}

async function compare(about: Comparison): Promise<Verdict> {
  const { options, node, main, control, live, timeline, mine, parting } = about;
  const same = timeline === main.at.timeline && parting.timeline === timeline && !Number.isFinite(parting.bytes);
  const fork = same ? main.at : parting;
  // pg_rewind calls two histories equal when their last timelines have the same number (T33).
  const rewindable = timeline !== main.at.timeline;
  const diverged = (because: string): Verdict => ({ kind: 'diverged', main, fork, mine, rewindable, because });
  const end = formatLsn(fork.bytes);
  if (parting.timeline !== timeline)
    return diverged(`this node is on timeline ${timeline}, which left the main's history at ${end}`);
  // A main that is not promoted yet has no end: a sibling that is ahead of it is judged when it is (T39).
  if (same && !main.writable) return { kind: 'prefix', main };
  if (live ? live.bytes > fork.bytes : await stoppedBeyond(options, control, fork))
    return diverged(`this node has WAL on timeline ${timeline} beyond ${end}, where the main's ends`);
  if (same && timeline > 1 && (await differs(options, node, control, live ?? control.checkpoint)))
    return diverged(`timeline ${timeline} is another one here than on ${node.name}: same number, other contents (T33)`);
  return { kind: 'prefix', main };
}

/** A stopped engine knows no end of its WAL; a record at or after the fork is what matters. */
async function stoppedBeyond(options: Settled, control: ControlData, { timeline, bytes }: Position): Promise<boolean> {
  const { checkpoint, minRecovery, segmentBytes } = control;
  // The fork's own segment may be recycled already when much was written after it.
  if (checkpoint.timeline === timeline && checkpoint.bytes >= bytes) return true;
  if (minRecovery?.timeline === timeline && minRecovery.bytes > bytes) return true;
  return hasRecordAt(options, { timeline, bytes }, segmentBytes);
}

/** For a segment that is not there pg_waldump waits 5 s: it is told to end where the segments on disk do. */
export async function hasRecordAt(
  options: Settled,
  { timeline, bytes }: Position,
  segmentBytes: number,
): Promise<boolean> {
  const here = (at: number) => existsSync(join(options.paths.wal, segmentName(timeline, at, segmentBytes)));
  if (!here(bytes)) return false;
  const next = (Math.floor(bytes / segmentBytes) + 1) * segmentBytes;
  const endBytes = here(next) ? next + segmentBytes : next;
  const range = ['-s', formatLsn(bytes), '-e', formatLsn(endBytes), '-n', '1'];
  const args = ['-p', options.paths.wal, '-t', String(timeline), ...range];
  const { output } = await run(options, 'pg_waldump', args, options.copyTimeoutMs);
  return /\blsn: [0-9A-F]+\/[0-9A-F]+/.test(output);
}

/**
 * Compares the last page of WAL before `at` with the main's. Two nodes that were promoted at the same point have equal
 * history files; their WAL is not equal. False when either side has the page no more: then the stream itself will tell.
 */
async function differs(options: Settled, node: NodeConfig, control: ControlData, at: Position): Promise<boolean> {
  const { segmentBytes } = control;
  const start = Math.floor((at.bytes - 1) / 8192) * 8192;
  const length = at.bytes - start;
  const name = segmentName(at.timeline, start, segmentBytes);
  const mine = await readPart(join(options.paths.wal, name), start % segmentBytes, length);
  const sql = `select encode(pg_read_binary_file('pg_wal/${name}', ${start % segmentBytes}, ${length}, true), 'hex') page`;
  const theirs = await withPeer(options, node, (session) => session.ask(sql), { replication: false });
  const page = theirs.ok ? textOf(theirs.value[0], 'page') : null;
  return mine !== null && page !== null && page.length === 2 * length && page !== mine.toString('hex');
}

async function readPart(path: string, offset: number, length: number): Promise<Buffer | null> {
  const handle = await open(path, 'r').catch(() => null);
  if (!handle) return null;
  const { bytesRead, buffer } = await handle
    .read(Buffer.alloc(length), 0, length, offset)
    .finally(() => handle.close());
  return bytesRead === length ? buffer : null;
}
