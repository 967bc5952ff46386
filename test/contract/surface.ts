// `npm run surface`: runs the suites that call commands and REST operations in this process, and prints for each how many passed tests
// have called it, how many of them with success, and with which exit codes or statuses. Ends with 1 when one has no test, or a test fails.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPaths } from '../../agent/rest/answers';
import { allRoutes } from '../../api/routes';
import { documents } from '../../cli/documents';
import { exitCodes } from '../../desk/exit-codes';
import type { SurfaceCall } from '../support/surface';

const suites = ['test/unit/cli', 'test/contract/api', 'test/contract/agent-rest.contract'];

interface Row {
  where: SurfaceCall['where'];
  name: string;
  /** Of `what` in a call. */
  pattern: RegExp;
  /** What a documentation promises and no test may have seen. */
  promised: readonly number[];
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/\{\w+\}/g, '[^/]+')}$`);
const rows: readonly Row[] = [
  ...Object.entries(documents).map(([name, { endings }]) => ({
    ...{ where: 'cli' as const, name: `mainstay ${name}`, pattern: exactly(name) },
    promised: endings.map((ending) => exitCodes[ending]),
  })),
  ...allRoutes.map(([, { method, path, answers, problems }]) => ({
    ...{ where: 'api' as const, name: `${method} ${path}`, pattern: exactly(`${method} ${path}`) },
    promised: [...Object.keys(answers).map(Number), ...problems],
  })),
  ...['GET /rest/ha/status', 'POST /rest/ha/status', ...checkPaths.map((path) => `GET ${path}`)].map((name) => ({
    ...{ where: 'node' as const, name, pattern: exactly(name), promised: [200] },
  })),
];

interface Report {
  numFailedTests: number;
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[];
}

function ran(folder: string): { calls: SurfaceCall[]; report: Report } {
  const outputFile = join(folder, 'report.json');
  spawnSync(process.execPath, [require.resolve('jest/bin/jest'), '--json', `--outputFile=${outputFile}`, ...suites], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MAINSTAY_SURFACE: folder },
  });
  const report = JSON.parse(readFileSync(outputFile, 'utf8')) as Report;
  const passed = new Set(
    report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'passed').map(({ fullName }) => `${name}: ${fullName}`),
    ),
  );
  const calls = readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as SurfaceCall)
    .filter(({ test }) => passed.has(test));
  return { calls, report };
}

const isSuccess = ({ code }: SurfaceCall): boolean => code === 0 || (code >= 200 && code < 300);
const testsOf = (calls: readonly SurfaceCall[]): number => new Set(calls.map(({ test }) => test)).size;

function counted({ where, name, pattern, promised }: Row, all: readonly SurfaceCall[]) {
  const calls = all.filter((call) => call.where === where && pattern.test(call.what));
  const codes = [...new Set(calls.map(({ code }) => code))].sort((a, b) => a - b);
  const unseen = promised.filter((code) => !codes.includes(code)).sort((a, b) => a - b);
  return { name, tests: testsOf(calls), good: testsOf(calls.filter(isSuccess)), codes, unseen };
}

const folder = mkdtempSync(join(tmpdir(), 'mainstay-surface-'));
try {
  const { calls, report } = ran(folder);
  const line = (name: string, tests: string, good: string, codes: string, unseen: string): string =>
    `${name.padEnd(56)}${tests.padStart(6)}${good.padStart(9)}  ${codes.padEnd(40)}${unseen}`.trimEnd();
  const results = rows.map((row) => counted(row, calls));
  console.log(line('operation', 'tests', 'success', 'answers', 'documented, not met'));
  for (const { name, tests, good, codes, unseen } of results)
    console.log(line(name, `${tests}`, `${good}`, codes.join(' '), unseen.join(' ')));
  const bare = results.filter(({ good }) => good === 0).map(({ name }) => name);
  const all = `${results.length} operations, ${testsOf(calls)} tests`;
  console.log(
    bare.length === 0 ? `${all}; each has succeeded in a test` : `${all}; without a success: ${bare.join(', ')}`,
  );
  if (report.numFailedTests > 0) console.log(`${report.numFailedTests} tests failed`);
  process.exitCode = bare.length > 0 || report.numFailedTests > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
