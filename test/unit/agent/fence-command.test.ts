// When a command to stop this node's engine is refused, and what the node remembers to judge it by.

import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FencePlace, fence, refusalOf } from '../../../agent/fence-command';
import { rememberEpochs, seenEpoch } from '../../../agent/seen-epoch';
import { fail, ok } from '../../../core/result';
import { until } from '../../support/postgres';
import { aLease } from '../../support/samples';

const wallMs = 1_700_000_000_000;
const node = { cluster: 'shop', node: 'db1', seen: { epoch: 7, holder: 'db1' }, wallMs };
const request = { cluster: 'shop', epoch: 8, expires: wallMs / 1000 + 30 };

test('a newer epoch than the node has seen is obeyed, also where it has seen none', () => {
  expect(refusalOf(request, node)).toBeNull();
  expect(refusalOf(request, { ...node, seen: null })).toBeNull();
});

test('the claim that the node itself has read is obeyed', () => {
  expect(refusalOf({ ...request, epoch: 7 }, { ...node, seen: { epoch: 7, holder: null } })).toBeNull();
});

test.each([
  ['T48: an older epoch', { ...request, epoch: 6 }, 'has seen epoch 7'],
  ['T48: the epoch at which this node is the holder', { ...request, epoch: 7 }, 'its engine is wanted'],
  ['T57: late delivery', { ...request, expires: wallMs / 1000 - 1 }, 'expired'],
  ['another cluster', { ...request, cluster: 'bank' }, 'belongs to shop'],
  ['an epoch that is no number', { ...request, epoch: Number.NaN }, 'whole numbers'],
])('%s is refused', (_, late, says) => {
  expect(refusalOf(late, node)).toContain(says);
});

const place = (driver: FencePlace['driver']): FencePlace => ({
  settings: { cluster: 'shop', node: 'db1' } as FencePlace['settings'],
  driver,
  seen: null,
  wallMs,
  say: () => undefined,
});

test('T11: a stop that was not proven is no success', async () => {
  const problem = { code: 'NotStopped', message: 'process 7 survives', next: 'power it off', details: {} } as const;
  await expect(fence(request, place({ fence: async () => fail(problem) }))).rejects.toThrow('process 7 survives');
});

test('a refused command does not touch the engine', async () => {
  let fenced = 0;
  const driver = {
    fence: async () => {
      fenced += 1;
      return ok(undefined);
    },
  };
  await expect(fence({ ...request, expires: 0 }, place(driver))).rejects.toThrow('nothing is done');
  expect(fenced).toBe(0);
  await fence(request, place(driver));
  expect(fenced).toBe(1);
});

describe('the epoch on disk', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'mainstay-epoch-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const said: string[] = [];
  const say = (message: string) => said.push(message);
  const shows = (epoch: number) => until(`epoch ${epoch} on disk`, () => seenEpoch(dir)?.epoch === epoch);

  test('is what was remembered last, and written only when it changes', async () => {
    expect(seenEpoch(dir)).toBeNull();
    const remember = rememberEpochs(dir, say);
    for (const epoch of [5, 6, 7]) remember(aLease('shop', { epoch, holder: 'db1' }));
    await shows(7);
    expect(seenEpoch(dir)).toEqual({ epoch: 7, holder: 'db1' });
    writeFileSync(join(dir, 'epoch.json'), '{"epoch":0,"holder":null}');
    remember(aLease('shop', { epoch: 7, holder: 'db1', renewals: 9 }));
    expect(readFileSync(join(dir, 'epoch.json'), 'utf8')).toContain('"epoch":0');
    remember(aLease('shop', { epoch: 8, holder: null }));
    await shows(8);
    expect(seenEpoch(dir)).toEqual({ epoch: 8, holder: null });
  });

  test('T63: a disk that takes nothing is said once, throws nothing at the loop, and is tried again', async () => {
    const remember = rememberEpochs(dir, say);
    mkdirSync(join(dir, 'epoch.json.new'));
    for (const epoch of [7, 8]) remember(aLease('shop', { epoch }));
    await until('the failure is said', () => said.length === 1);
    remember(aLease('shop', { epoch: 9 }));
    rmdirSync(join(dir, 'epoch.json.new'));
    await until('epoch 9 on disk', () => {
      remember(aLease('shop', { epoch: 9 }));
      return seenEpoch(dir)?.epoch === 9;
    });
    expect(said).toEqual([expect.stringContaining('cannot be written')]);
  });

  test('T63: a disk that hangs does not hold up the loop: nothing is written before the call returns', async () => {
    rememberEpochs(dir, say)(aLease('shop', { epoch: 7 }));
    expect(seenEpoch(dir)).toBeNull();
    await shows(7);
  });

  test('T19: a damaged file is said, not taken for a node that has seen nothing', () => {
    writeFileSync(join(dir, 'epoch.json'), '{}');
    expect(() => seenEpoch(dir)).toThrow('damaged');
  });
});
