// `npx cdk synth` as somebody without an account runs it: no credentials, no profile, no Region, no home.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../..');

test('cdk synth needs no account and no credentials', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mainstay-synth-'));
  try {
    const app = `"${process.execPath}" --import "${require.resolve('tsx')}" infra/examples/three-instances.ts`;
    const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
    execFileSync(
      process.execPath,
      [cdk, 'synth', '--quiet', '--no-notices', '--app', app, '--output', join(dir, 'out')],
      {
        cwd: root,
        env: { PATH: process.env.PATH ?? '', HOME: dir, AWS_EC2_METADATA_DISABLED: 'true', NODE_NO_WARNINGS: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    expect(existsSync(join(dir, 'out', 'manifest.json'))).toBe(true);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 120_000);
