/**
 * Installs the pinned AWS emulator (ministack) into a private virtual environment, starts and stops it.
 * It must never touch the system's Python packages, never write outside the two folders it is given,
 * never listen beyond 127.0.0.1 and never leave a process behind. local/emulator.py is what it runs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const requirementsFile = path.join(__dirname, 'requirements.txt');
const runnerFile = path.join(__dirname, 'emulator.py');
/** A cold start takes about a second; a machine busy with a test run may need ten times that. */
const startDeadlineMs = 30_000;
const stopDeadlineMs = 5_000;
const pollMs = 25;

export interface EmulatorOptions {
  port: number;
  /** Holds every file the emulator writes; removing it removes everything. */
  dir: string;
  /** Also given to every Lambda, e.g. AWS_ENDPOINT_URL_EC2. */
  env?: Record<string, string>;
  venvDir?: string;
}

export interface Emulator {
  endpoint: string;
  pid: number;
  /** Ends the emulator and all its Lambda workers; resolves when they are gone. Safe to call twice. */
  stop(): Promise<void>;
}

/** Where the emulator is installed unless the caller says otherwise. */
export function defaultVenvDir(): string {
  const cacheDir = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cacheDir, 'mainstay', `ministack-${pinnedVersion()}`);
}

/** Resolves to the folder of a complete installation, making it first if there is none. */
export async function ensureEmulatorInstalled(
  venvDir: string = defaultVenvDir(),
  onProgress: (line: string) => void = () => {},
): Promise<string> {
  if (fs.existsSync(pythonIn(venvDir))) return venvDir;
  onProgress(`Installing the AWS emulator (ministack ${pinnedVersion()}), once, into ${venvDir}`);
  // Built under another name and renamed: what stands at venvDir is complete, whoever was interrupted or came second.
  const buildDir = `${venvDir}.building-${randomBytes(6).toString('hex')}`;
  try {
    await build(buildDir, onProgress);
    publish(buildDir, venvDir);
  } finally {
    fs.rmSync(buildDir, { recursive: true, force: true });
  }
  return venvDir;
}

/** Resolves when the emulator answers; rejects with its last log lines when it cannot be started. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const venvDir = options.venvDir ?? defaultVenvDir();
  if (!fs.existsSync(pythonIn(venvDir))) throw new Error(`The AWS emulator is not installed in ${venvDir}`);
  await requireFreePort(options.port);
  const child = launch(pythonIn(venvDir), options);
  const stop = stopOnce(child);
  try {
    await waitUntilHealthy(child, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint: `http://127.0.0.1:${options.port}`, pid: child.pid as number, stop };
}

function pinnedVersion(): string {
  const version = /^ministack==(\S+)$/m.exec(fs.readFileSync(requirementsFile, 'utf8'))?.[1];
  if (!version) throw new Error('local/requirements.txt does not pin ministack');
  return version;
}

function pythonIn(venvDir: string): string {
  return path.join(venvDir, 'bin', 'python');
}

async function build(buildDir: string, onProgress: (line: string) => void): Promise<void> {
  fs.mkdirSync(path.dirname(buildDir), { recursive: true });
  await requirePython();
  const venv = await run('python3', ['-m', 'venv', buildDir]);
  if (venv.code !== 0) {
    throw new Error(
      "The AWS emulator needs Python's venv module, which is missing or broken. " +
        `Install it (Debian, Ubuntu: apt install python3-venv) and try again. Python said: ${lastLines(venv.output, 3)}`,
    );
  }
  onProgress('Downloading packages');
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirementsFile];
  const install = await run(pythonIn(buildDir), pip);
  if (install.code !== 0)
    throw new Error(`The AWS emulator could not be installed. pip said: ${lastLines(install.output, 8)}`);
}

async function requirePython(): Promise<void> {
  const check = await run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']);
  if (check.code === 0) return;
  throw new Error(
    'The AWS emulator needs python3, version 3.10 or newer, and it was not found. ' +
      'Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python) and try again.',
  );
}

/** Code 127 when there is no such program, as in a shell. */
function run(program: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function publish(buildDir: string, venvDir: string): void {
  // Anything without a working python is a leftover (its system python was removed): a finished one is never replaced.
  if (fs.existsSync(venvDir) && !fs.existsSync(pythonIn(venvDir))) fs.rmSync(venvDir, { recursive: true, force: true });
  try {
    fs.renameSync(buildDir, venvDir);
  } catch (error) {
    if (!fs.existsSync(pythonIn(venvDir))) throw error;
  }
}

function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', (cause) => {
      reject(new Error(`The AWS emulator cannot listen on 127.0.0.1:${port}: ${cause.message}. Choose another port.`));
    });
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve()));
  });
}

function launch(python: string, options: EmulatorOptions): ChildProcess {
  const tmpDir = path.join(options.dir, 'tmp');
  fs.mkdirSync(tmpDir, { recursive: true });
  const log = fs.openSync(logFileIn(options.dir), 'a');
  // Its own process group, so that stop() reaches the Lambda workers too. Its standard input is our hold on it:
  // when we die, even by kill -9, the pipe closes and local/emulator.py ends its group.
  const child = spawn(python, ['-B', runnerFile], {
    cwd: tmpDir,
    detached: true,
    stdio: ['pipe', log, log],
    env: emulatorEnv(options, tmpDir),
  });
  fs.closeSync(log);
  child.on('error', () => {}); // reported by waitUntilHealthy: a child that could not be spawned has no pid
  child.unref();
  if (child.stdin instanceof net.Socket) child.stdin.unref();
  return child;
}

/** Not our environment: a developer's AWS_PROFILE or NODE_OPTIONS must not reach the emulator or a Lambda. */
function emulatorEnv(options: EmulatorOptions, tmpDir: string): Record<string, string> {
  return {
    PATH: [path.dirname(process.execPath), process.env.PATH ?? ''].join(path.delimiter),
    LANG: 'C.UTF-8',
    HOME: options.dir,
    TMPDIR: tmpDir,
    STATE_DIR: path.join(options.dir, 'state'),
    S3_DATA_DIR: path.join(options.dir, 's3'),
    GATEWAY_PORT: String(options.port),
    MINISTACK_HOST: '127.0.0.1',
    LAMBDA_EXECUTOR: 'local',
    LAMBDA_STATE_TRANSITION_SECONDS: '0',
    SFTP_ENABLED: '0', // these two would listen on fixed ports
    IOT_MTLS_ENABLED: '0',
    LOG_LEVEL: 'INFO',
    ...options.env,
  };
}

async function waitUntilHealthy(child: ChildProcess, options: EmulatorOptions): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  while (!(await answers(options.port))) {
    if (hasEnded(child)) throw startFailure('ended while it started', options.dir);
    if (Date.now() > deadline) throw startFailure(`did not answer within ${startDeadlineMs} ms`, options.dir);
    await delay(pollMs);
  }
  // Somebody else may have taken the port since we looked: then it was not ours that answered.
  if (hasEnded(child)) throw startFailure('ended while it started', options.dir);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/_ministack/health', agent: false, timeout: 2_000 });
    request.on('response', (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function startFailure(what: string, dir: string): Error {
  return new Error(`The AWS emulator ${what}. Last lines of ${logFileIn(dir)}:\n${lastLines(readLog(dir), 15)}`);
}

function logFileIn(dir: string): string {
  return path.join(dir, 'emulator.log');
}

function readLog(dir: string): string {
  return fs.existsSync(logFileIn(dir)) ? fs.readFileSync(logFileIn(dir), 'utf8') : '';
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

function stopOnce(child: ChildProcess): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= stopGroup(child);
    return stopping;
  };
}

/** It keeps nothing worth saving, so there is no polite way: one signal for the whole group, then proof. */
async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const deadline = Date.now() + stopDeadlineMs;
  while (killGroup(child.pid) && groupLives(child.pid)) {
    if (Date.now() > deadline) throw new Error(`The AWS emulator (process group ${child.pid}) could not be ended`);
    await delay(pollMs);
  }
  child.stdin?.destroy();
}

function killGroup(groupId: number): boolean {
  try {
    process.kill(-groupId, 'SIGKILL');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Zombies do not count: in a container nobody may ever collect them. Without /proc (macOS) a group lives till collected. */
function groupLives(groupId: number): boolean {
  if (!fs.existsSync('/proc/self/stat')) return true;
  return fs.readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isLiveMember(entry, groupId));
}

function isLiveMember(pid: string, groupId: number): boolean {
  try {
    // "pid (name) state ppid pgrp …": the name may hold spaces and brackets
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(group) === groupId && state !== 'Z' && state !== 'X';
  } catch {
    return false; // gone meanwhile
  }
}
