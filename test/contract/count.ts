// `npm run contracts [-- paths]`: runs the contract suites and prints how many cases each port or adapter has met in memory, at a fake
// endpoint, on the emulated account, and on the real thing (engine, kernel, disk). Counts what passed; judges nothing.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

interface Report {
  numFailedTests: number;
  testResults: { name: string; assertionResults: { ancestorTitles: string[]; status: string }[] }[];
}

const places = ['memory', 'fake endpoint', 'emulator', 'real'] as const;
type Place = (typeof places)[number];

function placeOf(file: string, titles: string): Place {
  if (/memory/i.test(titles)) return 'memory';
  if (/fake/i.test(titles)) return 'fake endpoint';
  if (/emulator/i.test(titles) || file === 'wire-faults') return 'emulator';
  return ['driver', 'gate', 'deadman', 'archive', 'clock'].some((real) => file.startsWith(real))
    ? 'real'
    : 'fake endpoint';
}

const dir = mkdtempSync(join(tmpdir(), 'mainstay-contracts-'));
const outputFile = join(dir, 'report.json');
const paths = process.argv.length > 2 ? process.argv.slice(2) : ['test/contract'];
spawnSync(process.execPath, [require.resolve('jest/bin/jest'), '--json', `--outputFile=${outputFile}`, ...paths], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const report = JSON.parse(readFileSync(outputFile, 'utf8')) as Report;
rmSync(dir, { recursive: true });

/** The suite of a port and the rows of its adapter stand together. */
const kebab = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

const counts = new Map<string, Record<Place, number>>();
for (const { name, assertionResults } of report.testResults) {
  const file = basename(name).replace(/\.contract\.test\.ts$/, '');
  for (const { ancestorTitles, status } of assertionResults) {
    if (status !== 'passed') continue;
    // `EC2`, `Vip: memory`, `lease-store: swap`: whose it is stands before the colon.
    const named = kebab(ancestorTitles.find((title) => /^[\w-]+: /.test(title))?.split(':')[0] ?? file);
    const row = counts.get(named) ?? { memory: 0, 'fake endpoint': 0, emulator: 0, real: 0 };
    row[placeOf(file, ancestorTitles.join(' '))] += 1;
    counts.set(named, row);
  }
}

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => (index === 0 ? String(cell).padEnd(24) : String(cell).padStart(14))).join('');
const rows = [...counts].sort(([one], [other]) => one.localeCompare(other));
const sums = places.map((place) => rows.reduce((sum, [, row]) => sum + row[place], 0));
process.stdout.write(
  `${[line(['contract', ...places]), ...rows.map(([name, row]) => line([name, ...places.map((place) => row[place])])), line(['sum', ...sums])].join('\n')}\n`,
);
if (report.numFailedTests > 0) process.stdout.write(`${report.numFailedTests} failed\n`);
process.exitCode = report.numFailedTests > 0 ? 1 : 0;
