// The demo as a stranger runs it: whole, and interrupted at any moment, it leaves no process, no port and no folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { processesIn, processesNaming } from '../../local/processes';

jest.setTimeout(180_000);

interface Demo {
  child: ChildProcess;
  /** Resolves when a line that matches was printed. */
  said: (pattern: RegExp) => Promise<void>;
  ended: Promise<number | null>;
  lines: string[];
}

function start(temp: string, ...args: string[]): Demo {
  const child = spawn(process.execPath, ['--import', 'tsx', 'local/demo.ts', ...args], {
    env: { ...process.env, TMPDIR: temp, NODE_NO_WARNINGS: '1', TSX_DISABLE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve();
  });
  child.stderr.on('data', (data) => lines.push(String(data)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said = (pattern: RegExp) =>
    Promise.race([
      new Promise<void>((resolve) =>
        lines.some((line) => pattern.test(line)) ? resolve() : waiting.push({ pattern, resolve }),
      ),
      ended.then((code) =>
        Promise.reject(new Error(`the demo ended (${code}) before it said ${pattern}:\n${lines.join('\n')}`)),
      ),
    ]);
  return { child, said, ended, lines };
}

/** A temporary folder that other accounts can enter, as /tmp is. */
let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), 'md-'));
  chmodSync(temp, 0o777);
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

test('the demo tells the whole story and writes what it measured', async () => {
  const json = join(temp, 'result.json');
  const demo = start(temp, '--json', json);
  expect({ code: await demo.ended, lines: demo.lines.slice(-3) }).toMatchObject({ code: 0 });
  const result = JSON.parse(readFileSync(json, 'utf8'));
  expect(result).toEqual({
    failover: {
      writeGapMs: expect.any(Number),
      ackedWrites: expect.any(Number),
      lostWrites: expect.any(Number),
      epochBefore: 1,
      epochAfter: 2,
      oldMain: 'db1',
      newMain: expect.stringMatching(/^db[23]$/),
      fenceProof: 'self-fence',
      steps: expect.arrayContaining([{ name: 'fence', ms: expect.any(Number) }]),
    },
    recover: { ms: expect.any(Number), method: expect.stringMatching(/^(follow|rewind|reseed)$/) },
    switchover: {
      writeGapMs: expect.any(Number),
      lostWrites: 0,
      oldMain: result.failover.newMain,
      newMain: 'db1',
      steps: expect.arrayContaining([{ name: 'transfer', ms: expect.any(Number) }]),
    },
  });
  const told = demo.lines.join('\n');
  const events = [
    'cluster up',
    'client',
    'killed',
    'lease expired',
    'execution',
    'claimed',
    'fence',
    'chosen',
    'promoted',
    'VIP moved',
    'first write',
  ];
  for (const event of [...events, 'reconfigured', 'FAILED-OVER-TO-', 'rejoined', 'transferred', 'Summary'])
    expect(told).toContain(event);
  expect(readdirSync(temp)).toEqual(['result.json']);
  expect([...processesIn(temp), ...processesNaming(temp)]).toEqual([]);
});

test.each([
  ['while the account starts', /starting the emulated AWS account/],
  ['while the stack is built', /bundling/],
  ['in the middle of the failover', /claimed/],
])('Ctrl-C %s leaves no process and no folder', async (_, moment) => {
  const demo = start(temp);
  await demo.said(moment);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toBe(130);
  expect(readdirSync(temp)).toEqual([]);
  expect([...processesIn(temp), ...processesNaming(temp)]).toEqual([]);
});

test('a kept demo answers the CLI and goes away with --down', async () => {
  const kept = start(temp, '--keep');
  expect({ code: await kept.ended, lines: kept.lines.slice(-3) }).toMatchObject({ code: 0 });
  expect(kept.lines.join('\n')).toContain('alias mainstay=');
  expect(readdirSync(temp)).not.toEqual([]);
  const down = start(temp, '--down');
  expect(await down.ended).toBe(0);
  expect(readdirSync(temp)).toEqual([]);
  expect([...processesIn(temp), ...processesNaming(temp)]).toEqual([]);
});
