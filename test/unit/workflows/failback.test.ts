// Failback (seed 002): when the role may go back, that nobody else gets it in between, and when it goes back by itself.

import { createSequentialIds, createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryEvents, createMemoryPoker } from '../../../adapters/memory/messages';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { type FailbackConfig, isQuiet, judgeFailback } from '../../../core/failback';
import { changed } from '../../../core/lease';
import type { Lease, Policy } from '../../../core/model';
import type { Vip } from '../../../core/ports';
import { ok } from '../../../core/result';
import { runStep } from '../../../workflows/run-step';
import type { Ports } from '../../../workflows/step';
import { sweep } from '../../../workflows/sweep';
import { aConfig, aLease, aPolicy, aReport, problem, value } from '../../support/samples';

const failback: FailbackConfig = { prefer: 'db1', mode: 'automatic', quietHours: null };
const config = aConfig('alpha', { failback });
/** db2 is main, db1 and db3 follow it. */
const lease = aLease('alpha', { holder: 'db2', epoch: 2, version: 9 });
const follows = (node: string) =>
  aReport('alpha', node, { followed: 2, engine: { ...aReport('alpha', node).engine, following: 'db2' } });
const main = aReport('alpha', 'db2', { state: 'main' });
const reports = [follows('db1'), main, follows('db3')];
const question = { config, lease, reports, automatic: false, now: '2026-01-01T12:00:00.000Z' };

describe('the role may go back', () => {
  it('when the preferred node is in sync', () => expect(judgeFailback(question)).toBeNull());

  it.each([
    ['no node is preferred', { config: aConfig('alpha') }, 'NotAllowed', /no preferred node/],
    [
      'it is set to never',
      { config: aConfig('alpha', { failback: { ...failback, mode: 'never' } }) },
      'NotAllowed',
      /'never'/,
    ],
    ['the preferred node is main', { lease: { ...lease, holder: 'db1' } }, 'AlreadyMain', /db1 is the main already/],
    ['nobody serves', { lease: { ...lease, phase: 'paused' as const } }, 'NotServing', /paused/],
    [
      'something is held',
      { lease: { ...lease, hold: { reason: 'db1 lost the main role', epoch: 2 } } },
      'Held',
      /db1 lost/,
    ],
    [
      'its stream is broken',
      { reports: [main, { ...follows('db1'), engine: { ...main.engine, streaming: false } }] },
      'NotEligible',
      /stream|history/,
    ],
    [
      'it is shunned',
      { lease: { ...lease, shunned: { db1: { label: 'FAILED-OVER-TO-db2', epoch: 2 } } } },
      'NotEligible',
      /shunned/,
    ],
  ])('not when %s', (_, change, code, why) => {
    const refused = judgeFailback({ ...question, ...change });
    expect(refused).toMatchObject({ code, message: expect.stringMatching(why) });
    expect(refused?.next).not.toBe('');
  });

  it('not by itself in quiet hours, nor where a person is to ask; a person may', () => {
    const quiet = aConfig('alpha', { failback: { ...failback, quietHours: { from: '08:00', to: '18:00' } } });
    const manual = aConfig('alpha', { failback: { ...failback, mode: 'manual' } });
    for (const each of [quiet, manual]) {
      expect(judgeFailback({ ...question, config: each, automatic: true })?.code).toBe('NotAllowed');
      expect(judgeFailback({ ...question, config: each })).toBeNull();
    }
  });

  it.each([
    [{ from: '08:00', to: '18:00' }, '2026-01-01T07:59:59Z', false],
    [{ from: '08:00', to: '18:00' }, '2026-01-01T08:00:00Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-01-01T23:10:00Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-01-01T05:59:00Z', true],
    [{ from: '22:00', to: '06:00' }, '2026-01-01T06:00:00Z', false],
  ])('%j at %s is quiet: %s', (hours, now, quiet) => expect(isQuiet(hours, now)).toBe(quiet));
});

describe('T61: a third node does not steal a failback', () => {
  const operation = { id: 'op-1', kind: 'failback' as const, by: 'ann', since: '' };
  const reserved = value(changed(lease, 'begin', { operation, reserve: 'db1' }, 'n')) as Lease;

  it('because the role is reserved in the write that begins it', () => {
    expect(reserved.reservedFor).toBe('db1');
    const drained = { ...reserved, drain: 'transfer' as const };
    const stolen = changed(drained, 'transfer', { operation, epoch: 2, node: 'db3' }, 'm');
    expect(!stolen.ok && stolen.error.message).toContain('the role is reserved for db1');
    expect(changed(drained, 'transfer', { operation, epoch: 2, node: 'db1' }, 'm').ok).toBe(true);
  });

  it('nor does another operation begin meanwhile, by whomever', () => {
    const other = { ...operation, id: 'op-2', by: 'bob' };
    expect(changed(reserved, 'begin', { operation: other, reserve: 'db3' }, 'm').ok).toBe(false);
  });

  it('and the reservation ends with the operation, or with a failover', () => {
    expect(value(changed(reserved, 'end', { operation }, 'm'))).toMatchObject({ reservedFor: null });
    const watched = { epoch: 2, renewals: 0 };
    const claim = { watched, operation: { ...operation, id: 'op-3', kind: 'failover' as const } };
    expect(value(changed(reserved, 'claim', claim, 'm'))).toMatchObject({ reservedFor: null, holder: null });
  });
});

const maintenanceUntil = (until: string) => aPolicy({ mode: 'maintenance', until });

describe('the first step', () => {
  const checked = async (policy: Policy) => {
    const store = createMemoryStore();
    const clock = createVirtualClock();
    await store.settings.putConfig(config);
    await store.settings.putPolicy('alpha', policy);
    await store.leases.swap(null, lease);
    for (const report of reports) await store.reports.put(report);
    const ports: Ports = {
      ...{ ...store, clock, ids: createSequentialIds(), events: createMemoryEvents(), poker: createMemoryPoker() },
      ...{ executions: createMemoryExecutions(), tasks: createMemoryTasks({ clock }) },
      power: createMemoryPower({ clock, instanceIds: [] }),
      vip: createMemoryVip(createMemoryAddresses({ allocationIds: [] }), clock, store.leases),
    };
    const state = { cluster: 'alpha', by: 'automatic' };
    const call = { step: 'check-failback' as const, state, operation: 'op-1', deadlineMs: 30_000 };
    return clock.until(runStep(ports, call));
  };

  it('T62: lets one that nobody asked for go on when a maintenance is over, and not before', async () => {
    expect(value(await checked(maintenanceUntil('2026-01-01T00:00:00.000Z'))).to).toBe('db1');
    expect(problem(await checked(maintenanceUntil('2026-01-01T00:00:00.001Z')))).toMatchObject({
      code: 'Policy',
      message: 'policy is maintenance: nothing moves by itself',
    });
  });
});

describe('the sweep', () => {
  const swept = async (mode: FailbackConfig['mode'], policy: Policy | null = null, change: Partial<Lease> = {}) => {
    const { leases, settings, waits, reports: store } = createMemoryStore();
    const clock = createVirtualClock();
    await settings.putConfig(aConfig('alpha', { failback: { ...failback, mode } }));
    if (policy) await settings.putPolicy('alpha', policy);
    await leases.swap(null, { ...lease, ...change });
    for (const report of reports) await store.put(report);
    const vip = { readMany: async () => new Map([['alpha', ok('db2')]]) } as unknown as Vip;
    const started: unknown[] = [];
    const ports = {
      leases,
      settings,
      reports: store,
      executions: createMemoryExecutions(),
      vip,
      clock,
      ...{ waits, power: createMemoryPower({ clock, instanceIds: [] }), tasks: createMemoryTasks({ clock }) },
    };
    await sweep(ports, async (kind, name, input) => {
      started.push({ kind, name, ...input });
      return ok(undefined);
    });
    return started;
  };

  it('starts one that is automatic, under one name for an epoch and an hour', async () =>
    expect(await swept('automatic')).toEqual([
      {
        kind: 'failback',
        name: 'alpha-failback-e2-2026010100',
        ...{ cluster: 'alpha', by: 'automatic', reason: 'db1 is preferred and in sync' },
      },
    ]));

  it('leaves it to a person when it is manual, when the policy is, or while something is held', async () => {
    expect(await swept('manual')).toEqual([]);
    expect(await swept('automatic', aPolicy({ mode: 'manual' }))).toEqual([]);
    expect(await swept('automatic', null, { hold: { reason: 'db1 lost the role', epoch: 2 } })).toEqual([]);
  });

  it('T62: waits for the end of a maintenance, and not a moment longer', async () => {
    expect(await swept('automatic', maintenanceUntil('2026-01-01T00:00:00.001Z'))).toEqual([]);
    expect(await swept('automatic', maintenanceUntil('2026-01-01T00:00:00.000Z'))).toHaveLength(1);
  });
});
