// The command documents as a host runs them: their own scripts, under dash and bash, against real files, with stand-ins for systemctl, aws
// and the agent on the PATH. What AWS does before (patterns, textual substitution) is done by local/documents.ts.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandDocument, documents, installDocument } from '../../infra/documents';
import { parameters } from '../../infra/documents/document';
import { scriptFor, withValues } from '../../local/documents';

let dir: string;
let file: string;
let services: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mainstay_documents-'));
  file = join(dir, 'replica.properties');
  services = join(dir, 'systemctl.log');
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'running'), '');
  fake(
    'systemctl',
    `echo "$*" >>'${services}'
     case $1 in
       is-active) [ -e '${dir}/running' ] ;;
       restart) [ ! -e '${dir}/broken' ] || { echo 'Job failed.' >&2; exit 1; }; touch '${dir}/running' ;;
     esac`,
  );
  fake('mainstay-agent', `printf '<%s>' "$@"`);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function fake(name: string, script: string): void {
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(dir, 'bin', name), 0o755);
}

const run = (script: string, shell = 'sh') => {
  const PATH = `${join(dir, 'bin')}:/usr/bin:/bin`;
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], {
    env: { PATH, MAINSTAY_ROOT: join(dir, 'root') },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 20_000,
    cwd: dir,
  });
  return { code: status, stdout, stderr };
};

const later = () => String(Math.ceil(Date.now() / 1000) + 60);
const valuesFor = (more: Record<string, string> = {}) => ({
  cluster: 'shop',
  epoch: '7',
  expires: later(),
  main: 'db2.internal',
  file,
  key: 'com.systar.electron.host',
  service: 'replica.service',
  ...more,
});

const consume = (more: Record<string, string> = {}, shell?: string) => {
  const script = scriptFor(documents.consumer, valuesFor(more));
  if (!script.ok) throw new Error(script.error);
  return run(script.value, shell);
};
const restarts = () =>
  existsSync(services)
    ? readFileSync(services, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('restart')).length
    : 0;
const text = () => readFileSync(file, 'utf8');
const leftovers = () => readdirSync(dir).filter((name) => name.includes('.mainstay-'));

describe.each(['dash', 'bash'])('consumer, run by %s', (shell) => {
  const apply = (more: Record<string, string> = {}) => consume(more, shell);

  it('sets the key, keeps everything else as it was written, and restarts the service', () => {
    writeFileSync(file, '# ha\ncom.systar.electron.host=db1.internal\n  port : 8080\n\nlast=1\n');
    expect(apply()).toMatchObject({ code: 0, stderr: '' });
    expect(text()).toBe('# ha\ncom.systar.electron.host=db2.internal\n  port : 8080\n\nlast=1\n');
    expect(restarts()).toBe(1);
    expect(leftovers()).toEqual([]);
  });

  it('does nothing twice at the same epoch: the file is not touched, the service not restarted', () => {
    writeFileSync(file, 'com.systar.electron.host=db1\n');
    apply();
    const before = statSync(file).ino;
    expect(apply()).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to do') });
    expect([statSync(file).ino, restarts()]).toEqual([before, 1]);
  });

  it('restarts a service that does not run, though the file is right already', () => {
    writeFileSync(file, 'com.systar.electron.host=db2.internal\n');
    rmSync(join(dir, 'running'));
    expect(apply().code).toBe(0);
    expect(restarts()).toBe(1);
  });

  it.each([
    ['it is missing', 'a=1\n', 'a=1\ncom.systar.electron.host=db2.internal\n'],
    ['the file is empty', '', 'com.systar.electron.host=db2.internal\n'],
    ['the last line has no end', 'a=1', 'a=1\ncom.systar.electron.host=db2.internal\n'],
    [
      'it is commented out',
      '#com.systar.electron.host=x\n',
      '#com.systar.electron.host=x\ncom.systar.electron.host=db2.internal\n',
    ],
    [
      'it only begins alike',
      'com.systar.electron.host.backup=x\n',
      'com.systar.electron.host.backup=x\ncom.systar.electron.host=db2.internal\n',
    ],
    [
      'it stands behind a dot that is any letter',
      'comXsystar.electron.host=x\n',
      'comXsystar.electron.host=x\ncom.systar.electron.host=db2.internal\n',
    ],
    [
      'it is a continued line of another',
      'a=1\\\ncom.systar.electron.host=x\n',
      'a=1\\\ncom.systar.electron.host=x\ncom.systar.electron.host=db2.internal\n',
    ],
  ])('appends the key when %s', (_, before, after) => {
    writeFileSync(file, before);
    expect(apply().code).toBe(0);
    expect(text()).toBe(after);
  });

  it.each([
    ['a colon', 'com.systar.electron.host : db1\n', 'com.systar.electron.host=db2.internal\n'],
    ['a blank', '  com.systar.electron.host db1\n', 'com.systar.electron.host=db2.internal\n'],
    ['an escaped key', 'com.systar.electron\\.host=db1\n', 'com.systar.electron.host=db2.internal\n'],
    ['a continued value', 'com.systar.electron.host=db\\\n   1\nb=2\n', 'com.systar.electron.host=db2.internal\nb=2\n'],
    [
      'two of them',
      'com.systar.electron.host=db1\nb=2\ncom.systar.electron.host=db3\n',
      'com.systar.electron.host=db2.internal\nb=2\n',
    ],
    [
      'lines that end as on Windows',
      'a=1\r\ncom.systar.electron.host=db1\r\n',
      'a=1\r\ncom.systar.electron.host=db2.internal\r\n',
    ],
    ['no value', 'com.systar.electron.host\n', 'com.systar.electron.host=db2.internal\n'],
  ])('replaces the key written with %s', (_, before, after) => {
    writeFileSync(file, before);
    expect(apply().code).toBe(0);
    expect(text()).toBe(after);
  });

  it('leaves a line that says the right thing as it is written', () => {
    writeFileSync(file, 'com.systar.electron.host :  db2.internal\n');
    expect(apply().code).toBe(0);
    expect([text(), restarts()]).toEqual(['com.systar.electron.host :  db2.internal\n', 0]);
  });

  it('escapes what a properties file would take for its own', () => {
    writeFileSync(file, '');
    expect(apply({ main: 'fd00::5' }).code).toBe(0);
    expect(text()).toBe('com.systar.electron.host=fd00\\:\\:5\n');
    expect(apply({ main: 'fd00::5' }).stdout).toContain('nothing to do');
  });

  it('T48, T57: refuses an epoch older than the last one applied, and leaves the file', () => {
    writeFileSync(file, 'com.systar.electron.host=db1\n');
    apply({ epoch: '8', main: 'db3' });
    expect(apply({ epoch: '7' })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('epoch 8 is applied here'),
    });
    expect([text(), restarts()]).toEqual(['com.systar.electron.host=db3\n', 1]);
  });

  it('epochs of another cluster are another count', () => {
    writeFileSync(file, '');
    apply({ epoch: '800' });
    expect(apply({ cluster: 'bank', epoch: '3', main: 'db9' }).code).toBe(0);
    expect(text()).toBe('com.systar.electron.host=db9\n');
  });

  it('T57: what is delivered after it has expired does nothing', () => {
    writeFileSync(file, 'com.systar.electron.host=db1\n');
    expect(apply({ expires: '1000000000' })).toMatchObject({ code: 1, stderr: expect.stringContaining('too late') });
    expect([text(), restarts()]).toEqual(['com.systar.electron.host=db1\n', 0]);
  });

  it('keeps mode and owner of the file, and follows a link to it', () => {
    const real = join(dir, 'real.properties');
    writeFileSync(real, 'com.systar.electron.host=db1\n', { mode: 0o640 });
    chmodSync(real, 0o640);
    const { uid, gid } = statSync(real);
    symlinkSync(real, file);
    expect(apply().code).toBe(0);
    expect(statSync(real)).toMatchObject({ mode: 0o100640, uid, gid });
    expect(readFileSync(real, 'utf8')).toBe('com.systar.electron.host=db2.internal\n');
  });

  it('says so when there is no such file', () => {
    expect(apply()).toMatchObject({ code: 1, stderr: expect.stringContaining(`there is no file ${file}`) });
    expect(restarts()).toBe(0);
  });

  it('a service that does not restart is said, and restarted by the next command of the same epoch', () => {
    writeFileSync(file, 'com.systar.electron.host=db1\n');
    writeFileSync(join(dir, 'broken'), '');
    expect(apply()).toMatchObject({ code: 1, stderr: expect.stringContaining('did not restart') });
    rmSync(join(dir, 'broken'));
    expect(apply().code).toBe(0);
    expect(restarts()).toBe(2);
    expect(apply().stdout).toContain('nothing to do');
  });
});

/** What somebody might try: with and without what the patterns forbid. */
const hostile = [
  "x'; touch PWNED; '",
  '$(touch PWNED)',
  '`touch PWNED`',
  'x; touch PWNED',
  'x\ntouch PWNED',
  'x\n',
  'x && touch PWNED',
  '-oProxyCommand=x',
  '--help',
  '../../etc/passwd',
  '/etc/../etc/passwd',
  '/a//b',
  '/',
  'a b',
  'a\\',
  'a"b',
  '{{ssm:secret}}',
  '$HOME',
  'ü',
  '',
];

describe('parameters', () => {
  it.each(Object.entries(parameters))('%s lets nothing hostile through', (_, { allowedPattern }) => {
    expect(allowedPattern).toMatch(/^\^.*\$$/);
    expect(hostile.filter((value) => new RegExp(allowedPattern).test(value))).toEqual([]);
  });

  it.each([...Object.entries(documents), ['install', installDocument] as [string, CommandDocument]])(
    '%s is refused before it does anything when a value came through all the same',
    (_, document) => {
      const good: Record<string, string> = { ...valuesFor(), ...releaseValues('a'.repeat(64)) };
      writeFileSync(file, 'com.systar.electron.host=db1\n');
      // A quote would end the quoting: keeping it out is the pattern's business alone, and the test above shows that it does.
      for (const value of hostile.filter((each) => !each.includes("'"))) {
        for (const name of Object.keys(document.parameters)) {
          const { code, stderr } = run(withValues(document, { ...good, [name]: value }));
          expect({ name, value, code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(name) });
        }
      }
      expect([existsSync(join(dir, 'PWNED')), text(), restarts()]).toEqual([
        false,
        'com.systar.electron.host=db1\n',
        0,
      ]);
    },
    60_000,
  );

  it('stay within what SSM takes: schema 2.2, 64 KB, no parameter without a pattern', () => {
    for (const document of [...Object.values(documents), installDocument]) {
      expect(document.schemaVersion).toBe('2.2');
      expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThan(65_536);
      const used = JSON.stringify(document.mainSteps).matchAll(/\{\{(\w+)\}\}/g);
      expect([...new Set([...used].map(([, name]) => name))].sort()).toEqual(Object.keys(document.parameters).sort());
      expect(spawnSync('bash', ['-n', '-c', withValues(document, {})]).status).toBe(0);
    }
  });
});

describe('poke and engine-stop', () => {
  it.each(['poke', 'engine-stop'] as const)(
    'T57: %s hands cluster, epoch and expiry to the agent of the node',
    (name) => {
      const script = scriptFor(documents[name], { cluster: 'shop', epoch: '7', expires: '1700000000' });
      const verb = name === 'poke' ? 'poke' : 'fence';
      expect(script.ok && run(script.value).stdout).toBe(
        `<${verb}><--cluster><shop><--epoch><7><--expires><1700000000>`,
      );
    },
  );

  it('T19: engine-stop fails loudly where there is no agent', () => {
    rmSync(join(dir, 'bin', 'mainstay-agent'));
    const script = scriptFor(documents['engine-stop'], { cluster: 'shop', epoch: '7', expires: '1700000000' });
    expect(script.ok && run(script.value)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no mainstay-agent'),
    });
  });
});

const releaseValues = (sha256: string): Record<string, string> => ({
  table: 'mainstay',
  region: 'eu-central-1',
  source: `s3://assets-bucket/${'b'.repeat(64)}.js`,
  sha256,
  nodes: 'i-0123456789abcdef0=db1,i-0123456789abcdef1=db2',
  settings: Buffer.from('{}').toString('base64'),
});
