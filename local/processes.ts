// Everything that runs inside a folder, found by its working directory. This is what makes a folder a node: kill -9 of the
// node is kill -9 of all of these, agent, engine and helpers alike.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Process ids whose working directory is `dir` or below it. */
export function processesIn(dir: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // A folder that was removed under a process reads `… (deleted)`.
      const cwd = readlinkSync(`/proc/${name}/cwd`).replace(/ \(deleted\)$/, '');
      return cwd === dir || cwd.startsWith(`${dir}/`) ? [Number(name)] : [];
    } catch {
      return []; // ended meanwhile, a kernel thread, or somebody else's
    }
  });
}

/** Process ids whose command line names `path`: helpers that work on a folder from outside it. */
export function processesNaming(path: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(path) ? [Number(name)] : [];
    } catch {
      return []; // ended meanwhile
    }
  });
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Ended meanwhile.
    }
  }
}

/** kill -9 of everything in the folder until nothing is left; stopped first, so that nothing forks away. */
export async function killAllIn(dir: string, sleep: (ms: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < 500; round++) {
    const pids = processesIn(dir);
    if (pids.length === 0) return;
    signalAll(pids, 'SIGSTOP');
    signalAll(processesIn(dir), 'SIGKILL');
    await sleep(5);
  }
  throw new Error(`processes in ${dir} do not die: ${processesIn(dir).join(', ')}`);
}
