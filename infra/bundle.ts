// Bundles each Lambda, the agent and the CLI into one file each. Synchronous, because a CDK app is; does not type-check.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { slimPackages } from './slim-packages';

const root = join(__dirname, '..');

const options: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  mainFields: ['module', 'main'],
  loader: { '.sh': 'text' },
  logLevel: 'error',
  absWorkingDir: root,
};

/** Names of all functions: what functions/ holds. */
export const functionNames = (): string[] =>
  readdirSync(join(root, 'functions')).flatMap((file) =>
    file.endsWith('.lambda.ts') ? [file.slice(0, -'.lambda.ts'.length)] : [],
  );

/** Folder per function under `outDir`, each with index.js; gives the folders by name. */
export function bundleFunctions(outDir: string): Record<string, string> {
  const names = functionNames();
  const slim = mkdtempSync(join(tmpdir(), 'mainstay-slim-'));
  buildSync({
    ...options,
    entryPoints: names.map((name) => ({ in: join('functions', `${name}.lambda.ts`), out: `${name}/index` })),
    outdir: outDir,
    alias: slimPackages(slim),
    nodePaths: [join(root, 'node_modules')],
  });
  rmSync(slim, { recursive: true, force: true });
  return Object.fromEntries(names.map((name) => [name, join(outDir, name)]));
}

/** `mainstay-agent.js` and `mainstay.js` under `outDir`, executable. */
export function bundlePrograms(outDir: string): void {
  for (const [name, entry] of Object.entries({ 'mainstay-agent.js': 'agent/main.ts', 'mainstay.js': 'cli/main.ts' })) {
    const outfile = join(outDir, name);
    buildSync({ ...options, banner: { js: '#!/usr/bin/env node' }, entryPoints: [entry], outfile });
    chmodSync(outfile, 0o755);
  }
}
