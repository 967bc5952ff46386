// What systemd is told of the agent, with a stand-in for systemd-notify that writes down what it was given.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServiceNotes } from '../../../agent/service-notes';
import { realClock, until } from '../../support/postgres';

let dir: string;
let nowMs = 0;
const logged: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mainstay_notes-'));
  nowMs = 0;
  logged.length = 0;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const said = () => (existsSync(join(dir, 'said')) ? readFileSync(join(dir, 'said'), 'utf8').trim().split('\n') : []);

function notes(script: string, socket: string | undefined = '/run/notify') {
  const program = join(dir, 'notify');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  const clock = { ...realClock, nowMs: () => nowMs };
  return createServiceNotes({ socket, path: '/usr/bin:/bin', clock, program, log: (message) => logged.push(message) });
}

test('T65: says that it is up when its first round has ended, then that its loop turns at most every 10 s', async () => {
  const { turned } = notes(`echo "$1 $NOTIFY_SOCKET" >>'${dir}/said'`);
  turned();
  await until('the first word', () => said().length === 1);
  for (nowMs = 0; nowMs <= 25_000; nowMs += 100) turned();
  await until('three words', () => said().length === 3);
  expect(said().sort()).toEqual(['READY=1 /run/notify', 'WATCHDOG=1 /run/notify', 'WATCHDOG=1 /run/notify']);
});

test('T10: a loop that does not turn says nothing, so that systemd starts it anew', async () => {
  const { turned } = notes(`echo "$1" >>'${dir}/said'`);
  turned();
  await until('the first word', () => said().length === 1);
  nowMs = 120_000;
  expect(said()).toEqual(['READY=1']);
});

test('without systemd nothing is started, and a word that does not arrive is logged once', async () => {
  const silent = notes(`echo "$1" >>'${dir}/said'`, '');
  silent.turned();
  const failing = notes('exit 1');
  failing.turned();
  await until('the failure is logged', () => logged.length === 1);
  nowMs = 20_000;
  failing.turned();
  expect(said()).toEqual([]);
});
