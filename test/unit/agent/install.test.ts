// An upgrade that goes wrong, step by step: install() with a scratch root and a systemctl that does as it is told.

import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InstallWorld, install } from '../../../agent/install/install';
import { filledIn } from '../../../agent/install/settings-file';
import { unitText } from '../../../agent/install/unit';

let root: string;
let calls: string[];
let active: boolean;
/** Releases that do not come up, by their text. */
let broken: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mainstay-root-'));
  calls = [];
  active = false;
  broken = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const current = () => readFileSync(join(root, 'opt/mainstay/current/mainstay-agent.js'), 'utf8');

function world(release: string, more: Partial<InstallWorld> = {}): InstallWorld {
  const bundle = join(root, 'bundle.js');
  writeFileSync(bundle, release);
  return {
    root,
    path: '/usr/bin',
    bundle,
    storeAnswers: async () => true,
    systemctl: (args) => {
      calls.push(args.filter((arg) => !arg.startsWith('-') && !arg.endsWith('.service')).join(' '));
      if (args[0] === 'is-active') return { ok: active, output: '' };
      if (args[0] !== 'restart' && args[0] !== 'start') return { ok: true, output: '' };
      active = !broken.includes(current());
      return { ok: active, output: active ? '' : 'Job failed.' };
    },
    ...more,
  };
}

const request = {
  cluster: 'shop',
  node: 'db1',
  table: 'mainstay',
  region: null,
  file: '/etc/mainstay/agent.json',
  settings: { engine: { dataDir: '/data', binDir: '/bin', socketDir: '/run/pg' } },
};

test('an upgrade restarts the service once and says so', async () => {
  await install(request, world('one'));
  calls = [];
  expect(await install(request, world('two'))).toMatchObject({ outcome: 'upgraded' });
  expect(calls).toEqual(['is-active', 'daemon-reload', 'enable', 'restart']);
  expect(await install(request, world('two'))).toMatchObject({ outcome: 'unchanged' });
});

test('T65: a release that does not come up is taken back, and said; the next one is tried', async () => {
  await install(request, world('one'));
  broken = ['two'];
  await expect(install(request, world('two'))).rejects.toThrow(/does not come up.*the former one is back/);
  expect([current(), active]).toEqual(['one', true]);
  expect(await install(request, world('three'))).toMatchObject({ outcome: 'upgraded' });
  expect(current()).toBe('three');
});

test('T65: a release that does not come up is taken back also where the former one did not run just then', async () => {
  await install(request, world('one'));
  active = false;
  broken = ['two'];
  await expect(install(request, world('two'))).rejects.toThrow(/does not come up.*the former one is back/);
  expect([current(), active]).toEqual(['one', true]);
});

test('a changed setting restarts the agent as a release does', async () => {
  await install(request, world('one'));
  const more = { ...request, settings: { ...request.settings, gate: 'off' } };
  expect(await install(more, world('one'))).toMatchObject({ outcome: 'upgraded' });
});

test('an installation that was cut off before the restart is finished by the next one', async () => {
  await install(request, world('one'));
  const cut = world('two', {
    systemctl: ([verb]) => {
      if (verb === 'daemon-reload') throw new Error('power cut');
      return { ok: true, output: '' };
    },
  });
  await expect(install(request, cut)).rejects.toThrow('power cut');
  calls = [];
  expect(await install(request, world('two'))).toMatchObject({ outcome: 'upgraded' });
  expect(calls).toContain('restart');
});

test('nothing is switched where the link would be before the release', async () => {
  await install(request, world('one'));
  expect(readlinkSync(join(root, 'opt/mainstay/current'))).toMatch(/^releases\/[0-9a-f]{64}$/);
  expect(existsSync(join(root, 'opt/mainstay/current/mainstay-agent.js'))).toBe(true);
});

test('what is there wins at every depth', () => {
  const there = { a: 1, deep: { b: 2, list: [1] }, off: false };
  expect(filledIn(there, { a: 9, deep: { b: 9, c: 3, list: [9] }, off: true, e: 5 })).toEqual({
    a: 1,
    deep: { b: 2, c: 3, list: [1] },
    off: false,
    e: 5,
  });
});

test('the unit leaves the engine alone at a restart and stops it cleanly at a stop (T6, T60)', () => {
  const unit = unitText({ node: '/usr/bin/node', bundle: '/opt/mainstay/current/mainstay-agent.js', region: null });
  for (const line of [
    'KillMode=process',
    'RestartKillSignal=SIGHUP',
    'Restart=always',
    'WatchdogSec=60',
    'Type=notify',
  ])
    expect(unit.split('\n')).toContain(line);
  expect(unit).not.toMatch(/KillSignal=SIGHUP\nKillSignal|ProtectSystem|PrivateTmp|AWS_REGION/);
});
