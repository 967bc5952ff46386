// What tests of infra/ build stacks from: stand-ins for the bundled functions, and clusters.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterInput } from '../../infra/config';

export const functionFiles = readdirSync(join(__dirname, '../../functions')).flatMap((file) =>
  file.endsWith('.lambda.ts') ? [file.replace('.lambda.ts', '')] : [],
);

/** A folder per function with a line of code in it: bundling would take seconds, and templates do not depend on it. */
export function stubFunctions(): { dirs: Record<string, string>; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'mainstay-synth-'));
  const dirs = Object.fromEntries(
    functionFiles.map((name) => {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, 'index.js'), `exports.handler = () => '${name}'`);
      return [name, join(dir, name)];
    }),
  );
  return { dirs, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Three nodes and an Elastic IP address; everything else by default. */
export const clusterInput = (name: string): ClusterInput => ({
  name,
  engine: 'postgres',
  nodes: ['db1', 'db2', 'db3'].map((node, index) => ({
    name: node,
    instanceId: `i-0123456789abcde0${index}`,
    zone: 'us-east-1a',
    host: `10.0.0.${index + 1}`,
  })),
  vip: { kind: 'eip', allocationId: 'eipalloc-0123456789abcdef0', host: '203.0.113.10' },
});
