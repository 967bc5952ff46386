// What an agent costs its node, read from /proc: the agent's process, the short-lived tools it has run and waited for, and
// its deadman. The engine is not the agent's.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalNode, nodeFiles } from '../../local/layout';
import { processesIn } from '../../local/processes';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const read = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** Fields of /proc/PID/stat from the third on, behind the name, which may hold spaces. */
const stat = (pid: number): number[] => {
  const line = read(pid, 'stat');
  return line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
};

function parts({ dir }: LocalNode): { agent: number; deadman: number | null } {
  const agent = Number(readFileSync(join(nodeFiles(dir).state, 'agent.pid'), 'utf8'));
  const deadman = processesIn(dir).find((pid) => read(pid, 'cmdline').includes('mainstay-deadman'));
  return { agent, deadman: deadman ?? null };
}

/** CPU time used so far, in s: of the agent with the children it has waited for, and of its deadman. */
export function cpuSeconds(node: LocalNode): number {
  const { agent, deadman } = parts(node);
  // utime, stime, cutime and cstime are fields 14 to 17 of proc(5), here 11 to 14.
  const sum = (pid: number | null, last: number): number =>
    pid === null
      ? 0
      : stat(pid)
          .slice(11, last)
          .reduce((total, ticks) => total + ticks, 0);
  return (sum(agent, 15) + sum(deadman, 13)) / ticksPerSecond;
}

export interface Memory {
  agentMiB: number;
  deadmanMiB: number;
}

export function memory(node: LocalNode): Memory {
  const { agent, deadman } = parts(node);
  const rssMiB = (pid: number | null): number =>
    pid === null ? 0 : Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1]) / 1024;
  return { agentMiB: rssMiB(agent), deadmanMiB: rssMiB(deadman) };
}

/** For the head of the table. */
export const processorModel = (): string =>
  /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ??
  `${readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name)).length} processors`;
