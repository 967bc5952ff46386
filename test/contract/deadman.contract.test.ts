// The contract of Deadman (core/ports.ts) with real processes: the agent is a small node process that may be killed or
// frozen, the engine a process with children. Deadlines are short; every wait is for a condition.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeadman } from '../../agent/deadman';
import { deadmanScript } from '../../agent/deadman-script';
import type { Deadman } from '../../core/ports';
import { realClock, until } from '../support/postgres';

jest.setTimeout(20_000);

const bundleDir = mkdtempSync(join(tmpdir(), 'msd-'));
const bundle = join(bundleDir, 'deadman.js');
let dir: string;
let started: ChildProcess[];

const agentScript = `
const { createDeadman } = require(process.argv[1]);
const [dir, pid, ttlMs, everyMs] = process.argv.slice(2);
const clock = { nowMs: () => performance.now(), wall: () => '', sleep: () => Promise.resolve() };
const deadman = createDeadman({ clock, stateDir: dir, logDir: dir });
const arm = () => { deadman.arm(Number(pid), performance.now() + Number(ttlMs)); process.stdout.write('.'); };
if (Number(ttlMs) > 0) arm();
setInterval(Number(everyMs) > 0 ? arm : () => undefined, Number(everyMs) || 1000);
`;

beforeAll(() => {
  const root = join(__dirname, '..', '..');
  const args = [
    join(root, 'agent', 'deadman.ts'),
    '--bundle',
    '--platform=node',
    `--outfile=${bundle}`,
    '--log-level=error',
  ];
  execFileSync(join(root, 'node_modules', '.bin', 'esbuild'), args, { timeout: 20_000 });
});
afterAll(() => rmSync(bundleDir, { recursive: true, force: true }));
beforeEach(() => {
  dir = mkdtempSync(join(bundleDir, 'd'));
  started = [];
});
afterEach(async () => {
  // Of the deadmen only those that this test started are in its roster.
  for (const { pid } of roster()) if (alive(pid)) process.kill(pid, 'SIGKILL');
  for (const { pid } of started) {
    if (pid === undefined) continue;
    for (const child of childrenOf(pid)) if (alive(child)) process.kill(child, 'SIGKILL');
    if (alive(pid)) process.kill(pid, 'SIGKILL');
  }
});

function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

const roster = (): { pid: number; start: string }[] =>
  existsSync(join(dir, 'deadmen'))
    ? readFileSync(join(dir, 'deadmen'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => ({ pid: Number(line.split(' ')[0]), start: line.split(' ')[1] ?? '' }))
    : [];
const log = (): string => (existsSync(join(dir, 'deadman.log')) ? readFileSync(join(dir, 'deadman.log'), 'utf8') : '');
const startOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
const uptimeCs = (): number => Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100);

interface Running {
  process: ChildProcess;
  pid: number;
}

function run(command: string, args: string[]): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return { process: child, pid: child.pid };
}

/** A process with two children, like a postmaster. */
async function engine(): Promise<number> {
  const { pid } = run('bash', ['-c', 'sleep 1000 & sleep 1000 & wait']);
  await until('the engine has its children', () => childrenOf(pid).length === 2);
  return pid;
}

/** Arms at once (ttl 0: never), then every `everyMs` (0: never again). */
async function agent(pid: number, ttlMs: number, everyMs = 0): Promise<Running & { renewals: () => number }> {
  const child = run(process.execPath, ['-e', agentScript, bundle, dir, String(pid), String(ttlMs), String(everyMs)]);
  let renewals = 0;
  child.process.stdout?.on('data', (chunk: Buffer) => {
    renewals += chunk.length;
  });
  const before = roster().length;
  await until('the deadman is up', () => (ttlMs > 0 ? renewals > 0 : roster().length > before));
  return { ...child, renewals: () => renewals };
}

const gone = (pid: number) => until(`process ${pid} is gone`, () => !alive(pid), 5_000);

it('T6: an agent killed with -9 takes its engine and all its children with it, at the end of the promise and not before', async () => {
  const pid = await engine();
  const children = childrenOf(pid);
  const { pid: agentPid } = await agent(pid, 600);
  const armedAt = performance.now();
  process.kill(agentPid, 'SIGKILL');
  await gone(pid);
  expect(performance.now() - armedAt).toBeGreaterThan(400);
  expect(performance.now() - armedAt).toBeLessThan(900);
  for (const child of children) await gone(child);
  await until('it says so', () => log().includes(`killed engine ${pid} and 2 children`));
});

it('T5: an agent that is frozen loses its engine at the end of the promise', async () => {
  const pid = await engine();
  const { pid: agentPid } = await agent(pid, 400, 100);
  process.kill(agentPid, 'SIGSTOP');
  const frozenAt = performance.now();
  await gone(pid);
  expect(performance.now() - frozenAt).toBeLessThan(700);
  process.kill(agentPid, 'SIGCONT');
});

it('T12: an engine that is frozen itself is killed all the same', async () => {
  const pid = await engine();
  process.kill(pid, 'SIGSTOP');
  const { pid: agentPid } = await agent(pid, 200);
  process.kill(agentPid, 'SIGKILL');
  await gone(pid);
});

it('never fires while the promise is renewed', async () => {
  const pid = await engine();
  const { renewals } = await agent(pid, 300, 50);
  await until('four promises long', () => renewals() >= 24);
  expect(alive(pid)).toBe(true);
  expect(log()).toBe('');
});

it('a deadman that is told to disarm leaves the engine alone and ends with its agent', async () => {
  const pid = await engine();
  const deadman = createDeadman({ clock: realClock, stateDir: dir, logDir: dir });
  deadman.arm(pid, realClock.nowMs() + 300);
  deadman.disarm();
  await until('it is up', () => roster().length === 1);
  const [mine] = roster();
  await deadman.stop();
  expect(alive(mine?.pid ?? 0)).toBe(false);
  expect(alive(pid)).toBe(true);
  expect(log()).toBe('');
});

it('stop while armed leaves the deadman at its post until the promise is over', async () => {
  const pid = await engine();
  const deadman = createDeadman({ clock: realClock, stateDir: dir, logDir: dir });
  deadman.arm(pid, realClock.nowMs() + 300);
  await deadman.stop();
  expect(alive(pid)).toBe(true);
  await gone(pid);
});

/** The deadman's process without the agent's half. */
function bare(): ChildProcess {
  const args = ['-c', deadmanScript, 'mainstay-deadman', join(dir, 'deadman.log'), join(dir, 'deadmen')];
  const child = spawn('bash', args, { stdio: ['pipe', 'ignore', 'inherit'] });
  started.push(child);
  return child;
}

it('a process that was given the number of the engine later is not killed', async () => {
  const pid = await engine();
  bare().stdin?.write(`arm ${pid} ${Number(startOf(pid)) - 1} ${uptimeCs() + 10}\n`);
  await until('it says so', () => log().includes('was gone already'));
  expect(alive(pid)).toBe(true);
});

it('T2: a line that is read late counts from when it was promised, not from when it was read', async () => {
  const pid = await engine();
  const child = bare();
  await until('it is up', () => roster().length === 1);
  process.kill(child.pid ?? 0, 'SIGSTOP');
  const deadline = uptimeCs() + 20;
  child.stdin?.write(`arm ${pid} ${startOf(pid)} ${deadline}\n`);
  await until('the promise is over', () => uptimeCs() > deadline);
  const from = performance.now();
  process.kill(child.pid ?? 0, 'SIGCONT');
  await gone(pid);
  expect(performance.now() - from).toBeLessThan(150);
});

it('T5: a deadman that was frozen reads the renewals that wait for it before it kills', async () => {
  const pid = await engine();
  const child = bare();
  const first = uptimeCs() + 30;
  child.stdin?.write(`arm ${pid} ${startOf(pid)} ${first}\n`);
  await until('it is armed', () => roster().length === 1);
  process.kill(child.pid ?? 0, 'SIGSTOP');
  for (const more of [10, 20, 1_000]) child.stdin?.write(`arm ${pid} ${startOf(pid)} ${first + more}\n`);
  await until('the first promise is over', () => uptimeCs() > first + 25);
  process.kill(child.pid ?? 0, 'SIGCONT');
  const later = first + 50;
  await until('it had its time', () => uptimeCs() > later);
  expect(alive(pid)).toBe(true);
});

it('the deadman of a new agent calls off the old one once it is armed itself', async () => {
  const pid = await engine();
  const old = await agent(pid, 1_000);
  const [before] = roster();
  process.kill(old.pid, 'SIGKILL');
  const { renewals } = await agent(pid, 1_000, 100);
  await gone(before?.pid ?? 0);
  await until('the old promise is long over', () => renewals() > 15);
  expect(alive(pid)).toBe(true);
  expect(roster()).toHaveLength(1);
});

it('a new agent that gets no promise calls nobody off', async () => {
  const pid = await engine();
  const old = await agent(pid, 700);
  process.kill(old.pid, 'SIGKILL');
  await agent(pid, 0);
  await gone(pid);
});

it('says armed, disarmed or absent, and is started again when it died', async () => {
  const pid = await engine();
  const deadman: Deadman = createDeadman({ clock: realClock, stateDir: dir, logDir: dir });
  expect(deadman.status()).toBe('disarmed');
  deadman.arm(pid, realClock.nowMs() + 5_000);
  expect(deadman.status()).toBe('armed');
  await until('it is up', () => roster().length === 1);
  process.kill(roster()[0]?.pid ?? 0, 'SIGKILL');
  await until('its death is noticed', () => deadman.status() === 'absent');
  deadman.arm(pid, realClock.nowMs() + 200);
  expect(deadman.status()).toBe('armed');
  await gone(pid);
  deadman.disarm();
  await deadman.stop();
});

it('is absent where there is no bash', async () => {
  const deadman = createDeadman({ clock: realClock, stateDir: dir, logDir: dir, shell: join(dir, 'no-such-shell') });
  await until('it is noticed', () => deadman.status() === 'absent');
  await deadman.stop();
});

it('ignores the stop signal that a service manager sends to the whole group', async () => {
  const pid = await engine();
  const child = bare();
  child.stdin?.write(`arm ${pid} ${startOf(pid)} ${uptimeCs() + 30}\n`);
  await until('it is armed', () => roster().length === 1);
  process.kill(child.pid ?? 0, 'SIGTERM');
  await gone(pid);
});
