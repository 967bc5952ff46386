// The simulation's own build: the worker and the product in one file, with a mutant's edits made on the way. This is the only
// place where a planted bug exists; the product has no switch for it.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type MutantName, mutants } from './mutants';

const root = join(__dirname, '..', '..');
const folder = join(root, 'build', 'sim');

/** The file's text with the edits of this mutant; throws when one does not fit exactly once, so that none goes stale. */
export function mutated(name: MutantName, file: string, text: string): string {
  return mutants[name].edits.reduce((now, edit) => {
    if (edit.file !== file) return now;
    const parts = now.split(edit.was);
    if (parts.length !== 2)
      throw new Error(`mutant '${name}': '${edit.was}' stands ${parts.length - 1} times in ${file}`);
    return parts.join(edit.becomes);
  }, text);
}

const planting = (name: MutantName): Plugin => ({
  name: 'planting',
  setup: ({ onLoad }) => {
    for (const file of new Set(mutants[name].edits.map((edit) => edit.file))) {
      const path = join(root, file);
      const filter = new RegExp(`${path.replace(/[/.\\]/g, '\\$&')}$`);
      onLoad({ filter }, () => ({ contents: mutated(name, file, readFileSync(path, 'utf8')), loader: 'ts' }));
    }
  },
});

/** Builds the worker, with a mutant planted or without; gives the file to run. */
export async function buildWorker(mutant: MutantName | null): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${mutant ?? 'product'}.js`);
  await build({
    entryPoints: [join(__dirname, 'worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: mutant === null ? [] : [planting(mutant)],
  });
  return outfile;
}
