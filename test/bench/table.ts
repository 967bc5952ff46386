// The result as text: what a person would quote, with the range beside every median.

import { type Figure, figure, type StepShare, sharesOf } from './figures';
import type { BenchResult } from './result';

const number = (value: number, digits: number): string => value.toFixed(digits);

const show = ({ median, min, max }: Figure, digits = 0): string =>
  `${number(median, digits)} (${number(min, digits)}–${number(max, digits)})`;

const line = (name: string, value: string, note = ''): string =>
  `  ${name.padEnd(30)}${value.padEnd(24)}${note}`.trimEnd();

function move(result: BenchResult, kind: 'failover' | 'switchover'): string[] {
  const moves = result.runs.map((run) => run.story[kind]);
  const steps = sharesOf(kind, moves).map(({ name, ms, sharePercent }: StepShare) =>
    line(`  ${name}`, show(ms), sharePercent === null ? 'outside the gap' : `${number(sharePercent, 0)} %`),
  );
  return [
    line(kind, 'ms', 'share of the gap'),
    line('  write gap', show(figure(moves.map(({ writeGapMs }) => writeGapMs))), '100 %'),
    line('  acknowledged writes lost', show(figure(moves.map(({ lostWrites }) => lostWrites)))),
    ...steps,
    '',
  ];
}

function atRest(result: BenchResult, role: 'main' | 'backup'): string[] {
  const nodes = result.runs.flatMap((run) => run.atRest.filter((node) => node.role === role));
  const of = (pick: (node: (typeof nodes)[number]) => number): Figure => figure(nodes.map(pick));
  const kinds = [...new Set(nodes.flatMap(({ requests }) => requests.kinds.map(({ what }) => what)))];
  const kind = (what: string) => nodes.flatMap(({ requests }) => requests.kinds.filter((each) => each.what === what));
  return [
    `  ${role} at rest`,
    line(
      '  agent, RSS',
      show(
        of(({ agentMiB }) => agentMiB),
        1,
      ),
      'MiB',
    ),
    line(
      '  deadman, RSS',
      show(
        of(({ deadmanMiB }) => deadmanMiB),
        1,
      ),
      'MiB',
    ),
    line(
      '  CPU of both',
      show(
        of(({ cpuPercent }) => cpuPercent),
        2,
      ),
      '% of a core',
    ),
    line(
      '  DynamoDB requests',
      show(
        of(({ requests }) => requests.perMinute),
        1,
      ),
      'per minute',
    ),
    ...kinds.map((what) =>
      line(
        `    ${what}`,
        show(figure(kind(what).map(({ perMinute }) => perMinute)), 1),
        `per minute, ${Math.max(...kind(what).map(({ largestBytes }) => largestBytes))} bytes at most`,
      ),
    ),
    line(
      '  read request units',
      show(
        of(({ requests }) => requests.readUnitsPerMinute),
        1,
      ),
      'per minute',
    ),
    line(
      '  write request units',
      show(
        of(({ requests }) => requests.writeUnitsPerMinute),
        1,
      ),
      'per minute',
    ),
    line(
      '  DynamoDB',
      show(
        of(({ requests }) => requests.dollarsPerMonth),
        3,
      ),
      'US dollars per month (us-east-1)',
    ),
    '',
  ];
}

export function table(result: BenchResult): string {
  const { machine, runs, cold } = result;
  const clusterDollars = figure(
    runs.map(({ atRest: nodes }) => nodes.reduce((sum, { requests }) => sum + requests.dollarsPerMonth, 0)),
  );
  return [
    `Mainstay bench: median (min–max) of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}, each on a fresh stack; default timings, 3 nodes, a write every 20 ms`,
    `  ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Node ${machine.node}, PostgreSQL ${machine.postgres}`,
    '',
    ...move(result, 'failover'),
    ...move(result, 'switchover'),
    line('recover', `${show(figure(runs.map(({ story }) => story.recover.ms)))} ms`, methods(result)),
    '',
    ...atRest(result, 'main'),
    ...atRest(result, 'backup'),
    line('cluster of three, DynamoDB', show(clusterDollars, 2), 'US dollars per month at rest'),
    ...(cold
      ? [
          '',
          line('npm ci, empty caches', `${number(cold.installSeconds, 1)} s`),
          line('npm run demo after it', `${number(cold.demoSeconds, 1)} s`),
        ]
      : []),
  ].join('\n');
}

const methods = ({ runs }: BenchResult): string =>
  `by ${[...new Set(runs.map(({ story }) => story.recover.method))].join(', ')}`;
