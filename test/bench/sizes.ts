// `npm run sizes`: how big each function's bundle is and how long a fresh process takes to import it; how big the two programs are, and
// how long the command takes to answer without a cloud; how long `cdk synth` of the example app takes, and how big its templates are.
// Medians, of five processes each (the command: fifteen); needs no account.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { bundleFunctions, bundlePrograms } from '../../infra/bundle';

const runs = 5;
const commandRuns = 15;
const root = join(__dirname, '..', '..');

/** What a function's import needs to be there; nothing is called. */
const environment = {
  AWS_REGION: 'us-east-1',
  MAINSTAY_TABLE: 'mainstay',
  MAINSTAY_STATE_MACHINES: ['failback', 'failover', 'recover', 'settle', 'switchover']
    .map((kind) => `arn:aws:states:us-east-1:111122223333:stateMachine:mainstay-${kind}`)
    .join(','),
  MAINSTAY_POKE_DOCUMENT: 'mainstay-poke',
  MAINSTAY_ENGINE_STOP_DOCUMENT: 'mainstay-engine-stop',
  MAINSTAY_CONSUMER_DOCUMENT: 'mainstay-consumer',
  POWERTOOLS_SERVICE_NAME: 'mainstay',
  POWERTOOLS_METRICS_NAMESPACE: 'Mainstay',
};

const script = `
const startedAt = performance.now();
const cpu = process.cpuUsage();
require(process.argv[1]);
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(JSON.stringify({ wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 }));
process.exit(0);`;

interface Import {
  wallMs: number;
  cpuMs: number;
}

const imported = (file: string): Import => {
  const env = { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', ...environment };
  return JSON.parse(execFileSync(process.execPath, ['-e', script, file], { env, encoding: 'utf8' })) as Import;
};

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function functionLines(dir: string): string[] {
  const rows = Object.entries(bundleFunctions(dir)).map(([name, folder]) => {
    const file = join(folder, 'index.js');
    const imports = Array.from({ length: runs }, () => imported(file));
    return {
      name,
      kib: statSync(file).size / 1024,
      wallMs: median(imports.map(({ wallMs }) => wallMs)),
      cpuMs: median(imports.map(({ cpuMs }) => cpuMs)),
    };
  });
  rows.sort((a, b) => b.kib - a.kib);
  const line = (name: string, kib: string, wallMs: string, cpuMs: string) =>
    `  ${name.padEnd(24)}${kib.padStart(8)}${wallMs.padStart(14)}${cpuMs.padStart(14)}`;
  const all = (pick: (row: (typeof rows)[number]) => number) => median(rows.map(pick)).toFixed(0);
  return [
    line('function', 'KiB', 'import, ms', 'its CPU, ms'),
    ...rows.map(({ name, kib, wallMs, cpuMs }) => line(name, kib.toFixed(0), wallMs.toFixed(0), cpuMs.toFixed(0))),
    line(
      'median',
      all(({ kib }) => kib),
      all(({ wallMs }) => wallMs),
      all(({ cpuMs }) => cpuMs),
    ),
  ];
}

function medianOf(args: readonly string[]): string {
  const times = Array.from({ length: commandRuns }, () => {
    const startedAt = performance.now();
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', env: { PATH: process.env.PATH } });
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
    return performance.now() - startedAt;
  });
  return `${median(times).toFixed(0)} ms`;
}

function programLines(dir: string): string[] {
  bundlePrograms(dir);
  const cli = join(dir, 'mainstay.js');
  return [
    ...['mainstay.js', 'mainstay-agent.js'].map(
      (file) => `  ${file.padEnd(24)}${(statSync(join(dir, file)).size / 1024).toFixed(0).padStart(8)} KiB`,
    ),
    ...[['--version'], ['--help'], ['completion', 'bash']].map(
      (args) => `  mainstay ${args.join(' ')}: ${medianOf([cli, ...args])}`,
    ),
    `  node -e 0: ${medianOf(['-e', '0'])}, which is Node's own share`,
  ];
}

function synthLines(dir: string): string[] {
  const startedAt = performance.now();
  const app = 'npx tsx infra/examples/three-instances.ts';
  execFileSync('npx', ['cdk', 'synth', '--quiet', '--app', app, '--output', dir], { cwd: root, stdio: 'ignore' });
  const seconds = (performance.now() - startedAt) / 1000;
  const templates = readdirSync(dir).filter((file) => file.endsWith('.template.json'));
  return [
    `  cdk synth of infra/examples/three-instances.ts, bundling included: ${seconds.toFixed(1)} s`,
    ...templates.map((file) => {
      const text = readFileSync(join(dir, file), 'utf8');
      const { Resources } = JSON.parse(text) as { Resources: object };
      const small = JSON.stringify(JSON.parse(text)).length / 1024;
      return `  ${file}: ${(text.length / 1024).toFixed(0)} KiB (${small.toFixed(0)} minified), ${Object.keys(Resources).length} resources`;
    }),
  ];
}

const dir = mkdtempSync(join(tmpdir(), 'mainstay-sizes-'));
try {
  const parts = [() => functionLines(join(dir, 'functions')), () => programLines(join(dir, 'programs'))];
  for (const part of [...parts, () => synthLines(join(dir, 'cdk.out'))]) console.log(`${part().join('\n')}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
