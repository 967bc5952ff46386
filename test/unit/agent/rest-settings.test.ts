// The settings of a node's REST API: TLS unless plain HTTP is asked for, and every fault with its path.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../../agent/settings';

const dir = mkdtempSync(join(tmpdir(), 'mainstay-settings-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const folders = { dataDir: '/d', binDir: '/b', socketDir: '/s', logDir: '/l', evidenceDir: '/e' };

function read(rest: unknown) {
  const file = join(dir, 'agent.json');
  writeFileSync(file, JSON.stringify({ cluster: 'alpha', node: 'db1', stateDir: '/var/lib/x', engine: folders, rest }));
  return readSettings(file).rest;
}

const tls = { certFile: '/etc/tls/node.crt', keyFile: '/etc/tls/node.key' };
const tokenFile = '/etc/mainstay/token';

test('without it there is none', () => expect(read(undefined)).toBeUndefined());

test('with a certificate it listens everywhere on port 8008', () =>
  expect(read({ ...tls, tokenFile })).toEqual({ ...tls, tokenFile, port: 8008, listen: '0.0.0.0', allowPlain: false }));

test.each(['127.0.0.1', '::1', 'localhost'])('plain HTTP on %s needs no word', (listen) =>
  expect(read({ listen, tokenFile })).toMatchObject({ listen, allowPlain: false }),
);

test('plain HTTP beyond loopback must be asked for', () => {
  expect(() => read({ tokenFile })).toThrow(/rest: needs certFile and keyFile; plain HTTP .* allowPlain: true/);
  expect(() => read({ listen: '127.0.0.1.example.com', tokenFile })).toThrow(/allowPlain/);
  expect(read({ tokenFile, allowPlain: true })).toMatchObject({ allowPlain: true });
});

test.each([
  ['a certificate without its key', { certFile: '/c', tokenFile, allowPlain: true }, /belong together/],
  ['no token file', tls, /rest.tokenFile/],
  ['a port that is none', { ...tls, tokenFile, port: 0 }, /rest.port/],
  ['a token instead of its file', { ...tls, tokenFile, token: 'x' }, /rest/],
])('%s is a fault', (_, rest, saying) => expect(() => read(rest)).toThrow(saying));
