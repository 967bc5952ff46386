// A folder per function with one line of code in it: for whoever looks at the template only, and bundling would take seconds.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionNames } from './bundle';

export interface StubFunctions {
  dirs: Record<string, string>;
  remove: () => void;
}

export function stubFunctions(): StubFunctions {
  const parent = mkdtempSync(join(tmpdir(), 'mainstay-stubs-'));
  const dirs = Object.fromEntries(
    functionNames().map((name) => {
      const dir = join(parent, name);
      mkdirSync(dir);
      writeFileSync(join(dir, 'index.js'), `exports.handler = () => '${name}'`);
      return [name, dir];
    }),
  );
  return { dirs, remove: () => rmSync(parent, { recursive: true, force: true }) };
}
