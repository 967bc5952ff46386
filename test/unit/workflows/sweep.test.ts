// The sweep: finds what nobody is working on any more, and only that.

import { EC2Client } from '@aws-sdk/client-ec2';
import { createClient } from '../../../adapters/aws/clients';
import { createEipVip } from '../../../adapters/aws/eip-vip';
import { createVirtualClock } from '../../../adapters/memory/clock';
import { createMemoryExecutions } from '../../../adapters/memory/executions';
import { createMemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks } from '../../../adapters/memory/tasks';
import { refused, unreachable } from '../../../adapters/problems';
import type { ClusterConfig } from '../../../core/model';
import type { Vip } from '../../../core/ports';
import { fail, ok } from '../../../core/result';
import { sweep } from '../../../workflows/sweep';
import { testOptions } from '../../support/cloud';
import { answerAddresses } from '../../support/ec2-rules';
import { aConfig, aLease } from '../../support/samples';

const operation = (id: string) => ({ id, kind: 'switchover' as const, by: 'ann', since: '2026-01-01T00:00:00.000Z' });

/** Clusters at rest, in a running operation, with one that was abandoned, and with a VIP that points to nobody. */
async function fleet() {
  const { leases, settings, reports, waits } = createMemoryStore();
  const clock = createVirtualClock();
  const executions = createMemoryExecutions();
  for (const name of ['calm', 'busy', 'stuck', 'dark']) await settings.putConfig(aConfig(name));
  await leases.swap(null, aLease('calm'));
  await leases.swap(null, aLease('busy', { operation: operation('running') }));
  await leases.swap(null, aLease('stuck', { operation: operation('stopped'), epoch: 7, version: 41 }));
  await leases.swap(null, aLease('dark', { epoch: 3, version: 9 }));
  executions.began('running');
  executions.began('stopped');
  executions.ended('stopped');
  const at = ({ name }: ClusterConfig) => ok(name === 'dark' ? null : 'db1');
  const vip: Vip = {
    read: async (config) => at(config),
    readMany: async (configs) => new Map(configs.map((config) => [config.name, at(config)])),
    withdraw: async () => ok(undefined),
    move: async () => ok({ change: null }),
    verify: async () => ok(null),
  };
  const power = createMemoryPower({ clock, instanceIds: [] });
  return { leases, settings, reports, waits, executions, vip, power, clock, tasks: createMemoryTasks({ clock }) };
}

const began = async () => ok(undefined);

test('T50: an operation whose execution has ended is settled, a running one is left alone', async () => {
  const inputs: unknown[] = [];
  const swept = await sweep(await fleet(), async (_, name, input) => {
    inputs.push({ name, ...input });
    return ok(undefined);
  });
  expect(swept).toEqual({
    started: ['dark-settle-e3-v9-202601010000', 'stuck-settle-e7-v41-202601010000'],
    problems: [],
  });
  expect(inputs).toContainEqual({
    name: 'stuck-settle-e7-v41-202601010000',
    cluster: 'stuck',
    by: 'automatic',
    reason: 'switchover stopped by ann was abandoned',
  });
});

test('T47: a VIP that is not at the main is brought there, and a foreign one is told and left alone', async () => {
  const ports = await fleet();
  const inputs: { cluster: string; reason?: string }[] = [];
  const readMany: Vip['readMany'] = async (configs) =>
    new Map(await ports.vip.readMany(configs)).set(
      'calm',
      fail(refused('the VIP points to i-other', 'ask who did it')),
    );
  const swept = await sweep({ ...ports, vip: { ...ports.vip, readMany } }, async (_, __, input) => {
    inputs.push(input);
    return ok(undefined);
  });
  expect(inputs.find(({ cluster }) => cluster === 'dark')?.reason).toBe('the VIP is at nobody, and db1 is the main');
  expect(swept.problems).toEqual(['calm: the VIP points to i-other']);
});

test('a cluster that cannot be looked at does not keep the others from being swept, and is told', async () => {
  const ports = await fleet();
  const read: typeof ports.leases.read = async (cluster) =>
    cluster === 'busy' ? fail(unreachable('the table is throttled', 'try again')) : ports.leases.read(cluster);
  const swept = await sweep({ ...ports, leases: { ...ports.leases, read } }, began);
  expect(swept.started).toHaveLength(2);
  expect(swept.problems).toEqual(['busy: the table is throttled']);
});

test('an execution that could not be asked about is not taken for ended', async () => {
  const ports = await fleet();
  const executions = { running: async () => fail(unreachable('no answer', 'try again')) };
  const swept = await sweep({ ...ports, executions }, began);
  expect(swept.started).toEqual(['dark-settle-e3-v9-202601010000']);
  expect(swept.problems).toHaveLength(2);
});

test('T50: what could not be settled is tried again a minute later, under another name', async () => {
  const ports = await fleet();
  const first = await sweep(ports, began);
  await ports.clock.advance(60_000);
  const second = await sweep(ports, began);
  expect(second.started).toHaveLength(2);
  expect(second.started).not.toEqual(first.started);
});

test('T66: a thousand clusters at rest are swept with one reading of all their VIPs', async () => {
  const { leases, settings } = createMemoryStore();
  const names = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  for (const name of names) {
    await settings.putConfig(aConfig(name));
    await leases.swap(null, aLease(name));
  }
  const ec2 = createClient(EC2Client, testOptions('http://127.0.0.1:1'));
  const requests = answerAddresses(ec2, (allocationId) =>
    allocationId === 'eipalloc-c7' ? null : { InstanceId: allocationId === 'eipalloc-c8' ? 'i-db2' : 'i-db1' },
  );
  const clock = createVirtualClock();
  const vip = createEipVip(ec2, { clock, readBackMs: 0, pollMs: 1, epochOf: async () => ok(1) });
  const { reports, waits } = createMemoryStore();
  const power = createMemoryPower({ clock, instanceIds: [] });
  const executions = createMemoryExecutions();
  const asleep = { reports, waits, power, tasks: createMemoryTasks({ clock }) };
  const swept = await sweep({ leases, settings, executions, vip, clock, ...asleep }, began);
  // One unknown allocation is that cluster's own trouble: asked for by id it would have failed the call for 200 of them.
  expect(swept.problems).toEqual(['c7: there is no address eipalloc-c7']);
  expect(swept.started).toEqual(['c8-settle-e1-v1-202601010000']);
  expect(requests).toHaveLength(5);
});
