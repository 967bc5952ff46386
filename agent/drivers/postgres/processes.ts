// The engine's processes as the kernel shows them in /proc: which are ours, which still live.
// A pid file alone is never believed: it survives a power loss, and its number may belong to somebody else by now.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Settled } from './options';

const quietly = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

/** Running, sleeping or stopped; a zombie holds no lock, no memory and no socket, and counts as gone. */
export function alive(pid: number): boolean {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

const whereIs = (dataDir: string): string => quietly(() => realpathSync(dataDir)) ?? dataDir;

/** Every process of an engine works inside its data directory; a shell that was left there is no engine. */
function worksIn(pid: number, home: string): boolean {
  if (quietly(() => readlinkSync(`/proc/${pid}/cwd`)) !== home) return false;
  const program = basename(quietly(() => readlinkSync(`/proc/${pid}/exe`)) ?? '').replace(/ \(deleted\)$/, '');
  return (program === 'postgres' || program === 'postmaster') && alive(pid);
}

const everyPid = (): number[] => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));

/** Postmaster, backends and orphans of a dead postmaster: all that run on this data directory. */
export function engineProcesses({ dataDir }: Settled): number[] {
  const home = whereIs(dataDir);
  return everyPid().filter((pid) => worksIn(pid, home));
}

/** Null unless the pid file names a living process that works in this data directory. */
export function postmasterPid({ dataDir, paths }: Settled): number | null {
  const line = quietly(() => readFileSync(paths.pidFile, 'utf8'))?.split('\n')[0];
  const pid = Math.abs(Number.parseInt(line ?? '', 10));
  return Number.isInteger(pid) && pid > 1 && worksIn(pid, whereIs(dataDir)) ? pid : null;
}

/** pg_rewind, pg_basebackup or a restore that an earlier agent left at work on this data directory. */
export function leftoverTools({ dataDir }: Settled): number[] {
  return everyPid().filter((pid) => {
    const words = quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.split('\0') ?? [];
    const tool = basename(words[0] ?? '');
    const copies = ['pg_rewind', 'pg_basebackup'].includes(tool) || words.some((word) => /^restore(:|$)/.test(word));
    return copies && words.some((word) => word.includes(dataDir));
  });
}

/** When the process began, in ticks since boot: tells it from a later one with the same number; 0 when it is gone. */
export function startOf(pid: number): number {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0);
}

/** False when it was gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  return quietly(() => process.kill(pid, name)) ?? false;
}
