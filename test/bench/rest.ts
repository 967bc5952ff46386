// A cluster at rest, watched for a while: nobody connects, nothing fails. What each node uses and asks for meanwhile.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../local/stack';
import type { Counter } from './counter';
import { cpuSeconds, memory } from './processes';
import { type Billed, dollarsPerUnit, minutesPerMonth } from './request-units';

/** Agents have come to rest after the start: short tools are done, the first full reports are written. */
const settleMs = 5_000;

export interface Requests {
  perMinute: number;
  readUnitsPerMinute: number;
  writeUnitsPerMinute: number;
  dollarsPerMonth: number;
  /** By kind: requests per minute and the largest item that travelled. */
  kinds: { what: string; perMinute: number; largestBytes: number }[];
}

export interface NodeAtRest {
  node: string;
  role: 'main' | 'backup';
  cpuPercent: number;
  agentMiB: number;
  deadmanMiB: number;
  requests: Requests;
}

export async function watchAtRest(
  stack: Stack,
  counters: ReadonlyMap<string, Counter>,
  main: string,
  watchMs: number,
): Promise<NodeAtRest[]> {
  await delay(settleMs);
  const { nodes } = stack.facts;
  const startedAtMs = performance.now();
  const before = nodes.map(cpuSeconds);
  for (const counter of counters.values()) counter.seen = [];
  await delay(watchMs);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return nodes.map((node, index) => ({
    node: node.name,
    role: node.name === main ? 'main' : 'backup',
    cpuPercent: (100 * (cpuSeconds(node) - (before[index] ?? 0))) / seconds,
    ...memory(node),
    requests: sumUp(counters.get(node.name)?.seen ?? [], seconds / 60),
  }));
}

function sumUp(seen: readonly Billed[], minutes: number): Requests {
  const total = (of: (each: Billed) => number): number => seen.reduce((sum, each) => sum + of(each), 0) / minutes;
  const [readUnitsPerMinute, writeUnitsPerMinute] = [total((b) => b.readUnits), total((b) => b.writeUnits)];
  const kinds = [...new Set(seen.map(({ what }) => what))].sort().map((what) => {
    const own = seen.filter((each) => each.what === what);
    return {
      what,
      perMinute: own.length / minutes,
      largestBytes: Math.max(...own.map(({ sizeBytes }) => sizeBytes)),
    };
  });
  return {
    perMinute: seen.length / minutes,
    readUnitsPerMinute,
    writeUnitsPerMinute,
    dollarsPerMonth:
      minutesPerMonth * (readUnitsPerMinute * dollarsPerUnit.read + writeUnitsPerMinute * dollarsPerUnit.write),
    kinds,
  };
}
