// The roll-out of the agent as State Manager does it: the install document's own script, the real bundle, a scratch root, and stand-ins for
// `aws` (it serves a local file) and `systemctl`.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms } from '../../infra/bundle';
import { installDocument } from '../../infra/documents';
import { scriptFor } from '../../local/documents';

jest.setTimeout(60_000);

let build: string;
let dir: string;
/** Where the machine's own programs are. */
let tools: string;
beforeAll(() => {
  build = mkdtempSync(join(tmpdir(), 'mainstay-bundle-'));
  bundlePrograms(build);
});
afterAll(() => rmSync(build, { recursive: true, force: true }));

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mainstay_install-'));
  mkdirSync(join(dir, 'bin'));
  tools = '/usr/bin:/bin';
  writeFileSync(join(dir, 'asset.js'), readFileSync(join(build, 'mainstay-agent.js')));
  symlinkSync(process.execPath, join(dir, 'bin', 'node'));
  fake('aws', `echo "$*" >>'${dir}/aws.log'; cp '${dir}/asset.js' "$7"`);
  // `broken` names a release that does not come up.
  fake(
    'systemctl',
    `echo "$*" >>'${dir}/systemctl.log'
     case $1 in
       is-active) [ -e '${dir}/active' ] ;;
       start | restart)
         if [ -e '${dir}/broken' ] && readlink '${dir}/root/opt/mainstay/current' | grep -q "$(cat '${dir}/broken')"; then
           rm -f '${dir}/active'; echo 'Job failed.' >&2; exit 1
         fi
         touch '${dir}/active' ;;
     esac`,
  );
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function fake(name: string, script: string): void {
  rmSync(join(dir, 'bin', name), { force: true });
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, 'bin', name), 0o755);
}

const engine = {
  dataDir: '/var/lib/postgresql/15/main',
  binDir: '/usr/lib/postgresql/15/bin',
  socketDir: '/run/postgresql',
};
const encoded = (settings: object) => Buffer.from(JSON.stringify(settings)).toString('base64');
const sumOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const under = (path: string) => join(dir, 'root', path);
const log = (name: string) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : '');
const settings = () => JSON.parse(readFileSync(under('/etc/mainstay/agent.json'), 'utf8'));

function roll(more: Record<string, string> = {}, instance = 'i-0123456789abcdef1') {
  const script = scriptFor(installDocument, {
    cluster: 'shop',
    table: 'mainstay',
    region: 'eu-central-1',
    source: 's3://assets-bucket/0123.js',
    sha256: sumOf(join(dir, 'asset.js')),
    nodes: 'i-0123456789abcdef0=db1,i-0123456789abcdef1=db2',
    settings: encoded({ engine }),
    ...more,
  });
  if (!script.ok) throw new Error(script.error);
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script.value], {
    env: {
      PATH: `${join(dir, 'bin')}:${tools}`,
      MAINSTAY_ROOT: join(dir, 'root'),
      AWS_SSM_INSTANCE_ID: instance,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { code: status, stdout, stderr };
}

function withoutNode(): void {
  rmSync(join(dir, 'bin', 'node'));
  tools = join(dir, 'tools');
  mkdirSync(tools);
  for (const name of ['cut', 'grep', 'sed', 'sha256sum', 'tr', 'wc', 'mkdir', 'rm'])
    symlinkSync(join(existsSync(join('/usr/bin', name)) ? '/usr/bin' : '/bin', name), join(tools, name));
}

/** Another release of the same agent. */
const release = () => appendFileSync(join(dir, 'asset.js'), '\n// another release\n');
/** What an upgrade needs to know that the store answers is left out: the agent is down for it. */
const stopped = () => rmSync(join(dir, 'active'));

test('a node without an agent gets release, link, program, settings, unit, and a running service', () => {
  expect(roll()).toMatchObject({ code: 0, stdout: expect.stringContaining('installed: the agent runs') });
  const sum = sumOf(join(dir, 'asset.js'));
  expect(readlinkSync(under('/opt/mainstay/current'))).toBe(`releases/${sum}`);
  expect(sumOf(under('/usr/local/bin/mainstay-agent'))).toBe(sum);
  expect(settings()).toEqual({
    cluster: 'shop',
    node: 'db2',
    table: 'mainstay',
    stateDir: '/var/lib/mainstay',
    engine: { ...engine, logDir: '/var/log/mainstay', evidenceDir: '/var/lib/mainstay/evidence' },
  });
  expect(statSync(under('/etc/mainstay/agent.json')).mode & 0o777).toBe(0o600);
  const unit = readFileSync(under('/etc/systemd/system/mainstay-agent.service'), 'utf8');
  expect(unit).toContain('Environment=AWS_REGION=eu-central-1');
  expect(unit).toContain('/opt/mainstay/current/mainstay-agent.js run');
  expect(log('systemctl.log').split('\n')).toEqual(
    expect.arrayContaining(['daemon-reload', 'enable mainstay-agent.service', 'start mainstay-agent.service']),
  );
});

test('a second run fetches nothing, changes nothing and restarts nothing', () => {
  roll();
  const before = [log('aws.log'), statSync(under('/etc/mainstay/agent.json')).ino];
  writeFileSync(join(dir, 'systemctl.log'), '');
  expect(roll()).toMatchObject({ code: 0, stdout: expect.stringContaining('unchanged') });
  expect([log('aws.log'), statSync(under('/etc/mainstay/agent.json')).ino]).toEqual(before);
  expect(log('systemctl.log')).toBe('is-active --quiet mainstay-agent.service\n');
});

test('an agent that does not run is started, though nothing has changed', () => {
  roll();
  stopped();
  expect(roll()).toMatchObject({ code: 0, stdout: expect.stringContaining('installed') });
  expect(existsSync(join(dir, 'active'))).toBe(true);
});

test('another release is switched to, and the one before is kept, older ones not', () => {
  roll();
  const first = sumOf(join(dir, 'asset.js'));
  const sums = [1, 2].map(() => {
    release();
    stopped();
    expect(roll().code).toBe(0);
    return sumOf(join(dir, 'asset.js'));
  });
  expect(readlinkSync(under('/opt/mainstay/current'))).toBe(`releases/${sums[1]}`);
  expect(readdirSync(under('/opt/mainstay/releases')).sort()).toEqual([...sums].sort());
  expect(sums).not.toContain(first);
});

test('a bundle with another sum is refused, and what is installed stays', () => {
  roll();
  const first = sumOf(join(dir, 'asset.js'));
  release();
  const { code, stderr } = roll({ sha256: 'f'.repeat(64) });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('has another sum') });
  expect(readlinkSync(under('/opt/mainstay/current'))).toBe(`releases/${first}`);
  expect(readdirSync(under(`/opt/mainstay/releases/${'f'.repeat(64)}`))).toEqual([]);
});

test('a release that was damaged on the disk is fetched anew', () => {
  roll();
  appendFileSync(under('/opt/mainstay/current/mainstay-agent.js'), 'damaged');
  expect(roll().code).toBe(0);
  expect(sumOf(under('/opt/mainstay/current/mainstay-agent.js'))).toBe(sumOf(join(dir, 'asset.js')));
});

test('T19: a bundle that cannot be fetched is said with what the role needs', () => {
  fake('aws', 'echo AccessDenied >&2; exit 1');
  expect(roll()).toMatchObject({ code: 1, stderr: expect.stringMatching(/AccessDenied[\s\S]*s3:GetObject/) });
});

test('what the node has is never overwritten, what it lacks is filled in', () => {
  mkdirSync(under('/etc/mainstay'), { recursive: true });
  const own = { secretFile: '/etc/mainstay/secret', engine: { dataDir: '/data/pg', passFile: '/root/.pgpass' } };
  writeFileSync(under('/etc/mainstay/agent.json'), JSON.stringify(own));
  expect(roll({ settings: encoded({ engine, secretFile: '/other' }) }).code).toBe(0);
  expect(settings()).toMatchObject({ ...own, engine: { ...own.engine, binDir: engine.binDir }, node: 'db2' });
});

test('a host that is another node already is left alone', () => {
  roll();
  expect(roll({}, 'i-0123456789abcdef0')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("this host is set up with node 'db2', not 'db1'"),
  });
  expect(settings().node).toBe('db2');
});

test('settings that are not enough are refused with every fault before anything is switched', () => {
  const { code, stderr } = roll({ settings: encoded({}) });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/engine.dataDir[\s\S]*engine.binDir/) });
  expect([existsSync(under('/opt/mainstay/current')), existsSync(under('/etc/mainstay/agent.json'))]).toEqual([
    false,
    false,
  ]);
});

test('an instance that is no node of the cluster is left alone', () => {
  expect(roll({}, 'i-0fffffffffffffff0')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no node of cluster shop'),
  });
});

test.each([
  ['is missing', withoutNode, 'there is no node on the PATH'],
  ['is too old', () => fake('node', 'echo 18.20.4'), 'this is Node 18.20.4'],
])('where Node %s the installation says what to do and touches nothing', (_, spoil, says) => {
  spoil();
  const { code, stderr } = roll();
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(says) });
  expect(stderr).toContain('dnf install nodejs22');
  expect(existsSync(under('/opt'))).toBe(false);
});

describe('an upgrade of an agent that runs', () => {
  test('is put off while the store does not answer: the new agent would stop a main (R10)', () => {
    roll();
    const before = readlinkSync(under('/opt/mainstay/current'));
    release();
    expect(roll()).toMatchObject({ code: 0, stdout: expect.stringContaining('postponed: the store does not answer') });
    expect(readlinkSync(under('/opt/mainstay/current'))).toBe(before);
    expect(log('systemctl.log')).not.toContain('restart');
  });

  test('T35: is put off while a rejoin is under way', () => {
    roll();
    release();
    mkdirSync(under('/var/lib/mainstay'), { recursive: true });
    writeFileSync(under('/var/lib/mainstay/rejoin-in-progress'), '');
    expect(roll()).toMatchObject({ code: 0, stdout: expect.stringContaining('postponed: a rejoin') });
    expect(log('systemctl.log')).not.toContain('restart');
  });
});
