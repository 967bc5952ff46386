// How long a stranger waits: a fresh clone of what is committed, with empty caches of npm and of the emulator's virtual
// environment. Network included; PostgreSQL is taken as it is on this machine.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

export interface ColdTimes {
  installSeconds: number;
  demoSeconds: number;
}

export async function measureCold(): Promise<ColdTimes> {
  const dir = mkdtempSync(join(tmpdir(), 'mainstay-cold-'));
  const repo = join(dir, 'repo');
  const env = { ...process.env, npm_config_cache: join(dir, 'npm'), XDG_CACHE_HOME: join(dir, 'cache') };
  try {
    await timed('git', ['clone', '--quiet', join(__dirname, '..', '..'), repo], dir, env);
    return {
      installSeconds: await timed('npm', ['ci', '--no-audit', '--no-fund'], repo, env),
      demoSeconds: await timed('npm', ['run', 'demo'], repo, env),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function timed(program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const startedAtMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (data) => {
      errors = (errors + data).slice(-2000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve((performance.now() - startedAtMs) / 1000)
        : reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${errors}`)),
    );
  });
}
