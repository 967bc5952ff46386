// What a storm came to, in figures and as text.

import { importances } from '../../core/fleet';
import type { StormResult } from './storm';

/** The value that so many percent of these are not above, in seconds; null when one of those was never reached. */
function percentile(values: readonly (number | null)[], percent: number): number | null {
  const sorted = values.map((ms) => ms ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const ms = sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)];
  return ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms / 100) / 10;
}

const triple = (values: readonly (number | null)[]) => ({
  p50: percentile(values, 50),
  p99: percentile(values, 99),
  last: percentile(values, 100),
});

/** Times in seconds from the loss of the zone. */
export function figuresOf(result: StormResult) {
  const { clusters, options, ends, pages, apis } = result;
  const times = clusters.map(({ writableAtMs }) => writableAtMs);
  const throttled = Object.values(apis).reduce((sum, api) => sum + api.throttled, 0);
  return {
    form: options.naive ? 'naive' : 'ours',
    vip: options.vip,
    fence: options.fence.join(),
    clusters: clusters.length,
    writable: triple(times),
    byImportance: Object.fromEntries(
      importances.map((importance) => [
        importance,
        triple(clusters.filter((cluster) => cluster.importance === importance).map(({ writableAtMs }) => writableAtMs)),
      ]),
    ),
    notServed: times.filter((ms) => ms === null).length,
    executions: clusters.reduce((sum, { executions }) => sum + executions, 0),
    ends,
    pages,
    throttled,
    broken: result.broken,
    longestStepMs: Math.round(result.longestStepMs),
  };
}

/** Nobody looked for longer than that. */
const seconds = (value: number | null): string => (value === null ? '> 30 min' : `${value.toFixed(1)} s`);
const row = (cells: readonly string[]): string =>
  `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(12))).join('')}`.trimEnd();

export function drawStorm(result: StormResult): string {
  const figures = figuresOf(result);
  const { options, apis, table, broken } = result;
  const zones = options.vip === 'route53' ? ` in ${options.zones} hosted zones` : '';
  const line = (name: string, { p50, p99, last }: typeof figures.writable) =>
    row([name, seconds(p50), seconds(p99), seconds(last)]);
  return [
    `${figures.form}: ${figures.clusters} clusters, VIP ${options.vip}${zones}, fence ${figures.fence}, seed ${options.seed}`,
    row(['time to writable', 'p50', 'p99', 'last']),
    line('all', figures.writable),
    ...Object.entries(figures.byImportance).map(([name, times]) => line(`  ${name}`, times)),
    row(['calls', 'made', 'throttled', 'most in one']),
    ...Object.entries(apis).map(([api, { made, throttled, most }]) =>
      row([api, String(made), String(throttled), most > 1 ? String(most) : '']),
    ),
    row(['table: write and read units', String(Math.round(table.writes)), String(Math.round(table.reads))]),
    `  executions ${figures.executions} (${Object.entries(figures.ends)
      .map(([end, count]) => `${end} ${count}`)
      .join(', ')}), pages ${figures.pages}, not served ${figures.notServed}`,
    ...(broken.length > 0 ? [`  BROKEN: ${[...new Set(broken)].join('; ')}`] : []),
  ].join('\n');
}
