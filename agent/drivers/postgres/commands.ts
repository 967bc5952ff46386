// Runs the engine's own programs: argument vectors only, no shell, as the engine's user, with a bound on each tool.
// The postmaster is started in a session of its own: it does not die with the agent by accident (the deadman does that).

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Settled, workDir } from './options';

export interface Ran {
  ok: boolean;
  output: string;
}

const OUTPUT_LIMIT = 64 * 1024;

function surroundings(options: Settled): SpawnOptions {
  const { binDir, osUser, passFile, environment } = options;
  return {
    cwd: workDir(options),
    env: {
      PATH: `${binDir}:/usr/bin:/bin`,
      LC_ALL: 'C',
      // The agent, and the postmaster that inherits it, are not what the kernel should kill for memory; a backend is.
      PG_OOM_ADJUST_FILE: '/proc/self/oom_score_adj',
      PG_OOM_ADJUST_VALUE: '0',
      ...(passFile ? { PGPASSFILE: passFile } : {}),
      ...environment,
    },
    ...(osUser ?? {}),
  };
}

/** Runs one tool of the engine, or an absolute path, to its end, to `boundMs` or to `signal`; never rejects. Output: the last 64 KiB of both streams. */
export function run(
  options: Settled,
  tool: string,
  args: readonly string[],
  boundMs: number,
  signal?: AbortSignal,
): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(resolve(options.binDir, tool), [...args], {
      ...surroundings(options),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: boundMs,
      killSignal: 'SIGKILL',
      ...(signal ? { signal } : {}),
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_LIMIT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    // One that has begun, and is ended by the signal, is gone only when it is closed.
    child.on('error', (error) => child.pid === undefined && done({ ok: false, output: `${tool}: ${error.message}` }));
    child.on('close', (code, killed) => done({ ok: code === 0, output: killed ? `${output} (${killed})` : output }));
  });
}

/** Starts the postmaster on the managed settings; returns at once. */
export function launch(options: Settled): ChildProcess {
  const { binDir, dataDir, paths, osUser } = options;
  const log = openSync(paths.log, 'a', 0o640);
  if (osUser) fchownSync(log, osUser.uid, osUser.gid);
  const child = spawn(join(binDir, 'postgres'), ['-D', dataDir, '-c', `config_file=${paths.managed}`], {
    ...surroundings(options),
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.unref();
  closeSync(log);
  return child;
}

/** The last sentence that the engine or a tool said, for the operator. */
export const lastWords = (output: string): string =>
  output
    .trim()
    .split('\n')
    .filter((line) => /error|fatal|panic|could not|invalid|unrecognized/i.test(line))
    .slice(-2)
    .join(' · ') ||
  (output.trim().split('\n').at(-1) ?? '');
