// What happens to a real cluster when its parts die: each scenario starts and ends with a healthy one, in one stack.

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeAddressesCommand, DisassociateAddressCommand, EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListExecutionsCommand, ListStateMachinesCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { contenderWaitMs, defaultTimings } from '../../core/timings';
import { WritingClient } from '../../local/client';
import { nodeFiles } from '../../local/layout';
import { cluster, World } from '../support/e2e';

jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await World.seated();
});
afterAll(() => world?.stop());

const write = 'CREATE TABLE IF NOT EXISTS probe (n int); INSERT INTO probe VALUES (1)';

async function executionsOf(kind: string) {
  const sfn = new SFNClient(world.credentials);
  const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
  const machine = stateMachines?.find(({ name }) => name === `mainstay-${kind}`);
  const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: machine?.stateMachineArn }));
  return executions ?? [];
}

const failoverExecutions = async (): Promise<string[]> =>
  (await executionsOf('failover')).map(({ name }) => name ?? '');

/** What the rules of EventBridge do every minute, and when an execution ends badly. */
async function sweep(): Promise<void> {
  const { FunctionError } = await new LambdaClient(world.credentials).send(
    new InvokeCommand({ FunctionName: 'mainstay-sweep' }),
  );
  expect(FunctionError).toBeUndefined();
}

test('T15: a killed node is failed over; it comes back as shunned backup and accepts no write, not even from a superuser', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  await world.stack.order('pull-plug', old);
  const after = await world.failedOver(before.epoch);
  expect(after.holder).not.toBe(old);
  expect(after.epoch).toBe(before.epoch + 1);
  expect(after.shunned[old]?.label).toBe(`FAILED-OVER-TO-${after.holder}`);
  expect(after.hold).not.toBeNull();
  expect(after.fence?.how).toBe('self-fence');
  await world.throughVip(write);

  await world.stack.order('power-on', old);
  let tries = 0;
  await world.until('the old main reports that it is shunned', async () => {
    tries += 1;
    await expect(world.sql(old, write)).rejects.toThrow();
    const report = await world.report(old);
    return report?.state === 'shunned' && report.seen.epoch === after.epoch;
  });
  expect(tries).toBeGreaterThan(0);
  await expect(world.sql(old, write)).rejects.toThrow();
  await world.recoverAll();
});

test('fail: a drill cuts the power of the main and of nobody else, follows the failover to its end, and leaves its record; recover ends it', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  const refused = await world.cli('fail', cluster, old, '--reason', 'rehearsal');
  expect({ code: refused.code, stderr: refused.stderr }).toEqual({
    code: 3,
    stderr: expect.stringMatching(new RegExp(`cuts the power of ${old} .*--yes`)),
  });
  expect(await world.isPowered(old)).toBe(true);

  const run = await world.must('fail', cluster, old, '--reason', 'rehearsal', '--rto', '90s', '--yes', '--json');
  const told = JSON.parse(run.stdout);
  const after = await world.lease();
  expect(after).toMatchObject({ phase: 'held', operation: null, former: old, epoch: before.epoch + 1 });
  expect(after.holder).not.toBe(old);
  expect(await Promise.all(world.stack.facts.nodes.map(({ name }) => world.isPowered(name)))).toEqual(
    world.stack.facts.nodes.map(({ name }) => name !== old),
  );
  await world.throughVip(write);
  const next = `mainstay recover ${cluster} ${old}`;
  expect(told).toMatchObject({ node: old, role: 'main', met: true, objectiveMs: 90_000, next });
  expect(told.operation).toMatchObject({ kind: 'failover', ended: 'done', from: old, to: after.holder });
  expect(told.longestGapMs).toBe(told.operation.writeGap.ms);
  expect(told.longestGapMs).toBeGreaterThanOrEqual(contenderWaitMs(defaultTimings));
  const all = await world.journal();
  // What it said before it did anything, and what came of it.
  const journal = all.slice(all.findIndex(({ rule }) => rule === 'fail'));
  const found = (rule: string) => journal.find((entry) => entry.rule === rule);
  expect(found('fail')).toMatchObject({ epoch: before.epoch });
  expect(found('claim')).toMatchObject({ epoch: after.epoch, operation: told.operation.operation });
  expect(found('drill')).toMatchObject({
    epoch: after.epoch,
    details: { node: old, operations: [told.operation.operation], longestGapMs: told.longestGapMs, met: true },
  });
  await world.must('recover', cluster, old);
  await world.healthy();
});

test('fail: a backup that is cut is missed, and the main serves on under the same epoch', async () => {
  const before = await world.healthy();
  const backup = before.holder === 'db3' ? 'db2' : 'db3';
  const { stdout } = await world.must('fail', cluster, backup, '--reason', 'rehearsal', '--yes', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ node: backup, role: 'backup', main: before.holder, epoch: before.epoch });
  expect(await world.isPowered(backup)).toBe(false);
  expect(await world.lease()).toMatchObject({ phase: 'held', holder: before.holder, epoch: before.epoch });
  await world.throughVip(write);
  await world.must('recover', cluster, backup);
  await world.healthy();
});

test('T49: duplicate and late triggers give one failover for one failure', async () => {
  const before = await world.healthy();
  await world.stack.order('pull-plug', before.holder ?? '');
  const after = await world.failedOver(before.epoch);
  const claims = (await world.journal()).filter(({ rule, epoch }) => rule === 'claim' && epoch === after.epoch);
  expect(claims).toHaveLength(1);
  const executions = (await failoverExecutions()).filter((name) => name.includes(`-e${before.epoch}-`));
  expect(executions).toHaveLength(1);

  const [, epoch, renewals] = /-e(\d+)-r(\d+)-/.exec(executions[0] ?? '') ?? [];
  const Detail = JSON.stringify({
    cluster,
    epoch: Number(epoch),
    renewals: Number(renewals),
    silentMs: 4100,
    seenBy: 'db3',
    attempt: 0,
  });
  const late = { Source: `mainstay.${cluster}`, DetailType: 'Lease Expired', Detail };
  await new EventBridgeClient(world.credentials).send(new PutEventsCommand({ Entries: [late, late, late] }));
  // A newer attempt of the same failure is looked at by an execution of its own, which finds that there is nothing to do.
  const next = { ...late, Detail: Detail.replace('"attempt":0', '"attempt":1') };
  await new EventBridgeClient(world.credentials).send(new PutEventsCommand({ Entries: [next] }));
  const second = `${cluster}-failover-e${epoch}-r${renewals}-1`;
  await world.until('the late trigger is refused', async () =>
    (await world.journal(second)).some(({ rule }) => rule === 'Undo.NotSilent'),
  );
  expect((await failoverExecutions()).filter((name) => name.includes(`-e${before.epoch}-`)).sort()).toEqual([
    executions[0],
    second,
  ]);
  expect((await world.lease()).epoch).toBe(after.epoch);
  await world.recoverAll();
});

test('T6: an agent that is killed and started again keeps the role, same main and same epoch, and writes go on', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  const { boot } = (await world.report(old)) ?? { boot: '' };
  await world.stack.order('kill-agent', old);
  await world.until('the agent is back', async () => (await world.report(old))?.boot !== boot);
  await world.until('it renews', async () => (await world.lease()).renewals > before.renewals + 3);
  expect(await world.authority()).toEqual({
    ...(await world.authority()),
    epoch: before.epoch,
    holder: old,
    phase: 'held',
  });
  await world.throughVip(write);
});

test('T6: an agent that is lost for good takes its engine along when the promise ends, and the cluster fails over', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  await world.sql(old, write);
  await world.stack.order('lose-agent', old);
  const after = await world.failedOver(before.epoch);
  expect(after.fence?.how).toBe('self-fence');
  await expect(world.sql(old, write)).rejects.toThrow();
  await world.stack.order('start-agent', old);
  await world.recoverAll();
});

test('T5: an agent that freezes loses its engine when the promise ends, before anybody else is main; thawed, it finds itself shunned', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  await world.stack.order('freeze-agent', old);
  let closedAtEpoch: number | null = null;
  await world.until('the old main is shut', async () => {
    const { epoch } = await world.lease();
    const open = await world.sql(old, write).then(
      () => true,
      () => false,
    );
    closedAtEpoch = open ? null : epoch;
    return !open;
  });
  // Read before the attempt that failed: the port was shut while the old epoch still stood.
  expect(closedAtEpoch).toBe(before.epoch);
  const after = await world.failedOver(before.epoch);
  expect(after.fence?.how).toBe('self-fence');
  await world.stack.order('thaw-agent', old);
  await world.until('it is shunned', async () => (await world.report(old))?.state === 'shunned');
  await expect(world.sql(old, write)).rejects.toThrow();
  await world.recoverAll();
});

test('a killed engine is started again once, in place: same main, same epoch', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  await world.stack.order('kill-engine', old);
  await world.until('the engine serves again', () =>
    world.throughVip(write).then(
      () => true,
      () => false,
    ),
  );
  const { epoch, holder, phase } = await world.healthy();
  expect({ epoch, holder, phase }).toEqual({ epoch: before.epoch, holder: old, phase: 'held' });
});

test('an engine that cannot be started again is given up at once: nobody waits for the ttl', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  const control = join(nodeFiles(world.stack.node(old).dir).data, 'global', 'pg_control');
  renameSync(control, `${control}.away`);
  await world.stack.order('kill-engine', old);
  const after = await world.failedOver(before.epoch);
  expect(after.fence).toMatchObject({ node: old, how: 'demote-ack' });
  const verified = (await world.journal()).findLast(({ rule }) => rule === 'verify');
  expect(verified?.because).toContain(`${old} gave the lease up`);
  renameSync(`${control}.away`, control);
  await world.recoverAll();
});

test('T60: a clean stop pauses the service, backups do not take over, and the node resumes by itself when it is back', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  const backup = before.holder === 'db1' ? 'db2' : 'db1';
  await world.stack.order('stop-agent', old);
  const paused = await world.lease();
  expect(paused).toMatchObject({ phase: 'paused', holder: old, epoch: before.epoch, pausedBy: 'stop' });
  const since = Date.now();
  await world.until('the backups have watched for longer than a contender waits', async () => {
    const at = Date.parse((await world.report(backup))?.at ?? '');
    return at > since + contenderWaitMs(defaultTimings);
  });
  expect(await world.lease()).toMatchObject({ phase: 'paused', holder: old, epoch: before.epoch });
  await world.stack.order('start-agent', old);
  await world.until('the main resumes', async () => (await world.lease()).phase === 'held');
  expect(await world.lease()).toMatchObject({ holder: old, epoch: before.epoch + 1 });
  await world.healthy();
  await world.throughVip(write);
});

test('T48, T50: a switchover whose candidate dies before the point of no return is undone: same main, same epoch, writes go on', async () => {
  const before = await world.healthy();
  const old = before.holder ?? '';
  const candidate = old === 'db3' ? 'db2' : 'db3';
  const client = new WritingClient(world.stack.facts.vip);
  await client.start();
  await client.flows(20, 10_000);
  await world.stack.order('pull-plug-at-withdraw', candidate);
  const run = await world.cli('switch', cluster, '--to', candidate);
  expect(run.code).not.toBe(0);
  expect(run.stderr).toContain(candidate);
  await client.flows(20, 30_000);
  await client.stop();
  expect(await world.authority()).toMatchObject({
    epoch: before.epoch,
    holder: old,
    phase: 'held',
    operation: null,
    drain: null,
  });
  expect(await client.lost('127.0.0.1', world.stack.node(old).port)).toBe(0);
  await world.stack.order('power-on', candidate);
  await world.healthy();
});

test('a switchover loses no acknowledged write, there and back', async () => {
  const before = await world.healthy();
  const client = new WritingClient(world.stack.facts.vip);
  await client.start();
  await client.flows(20, 10_000);
  await world.must('switch', cluster);
  await client.flows(20, 10_000);
  await world.must('switch', cluster, '--to', before.holder ?? '');
  await client.flows(20, 10_000);
  await client.stop();
  expect(await client.lost('127.0.0.1', world.stack.node(before.holder ?? '').port)).toBe(0);
  expect(client.acknowledged).toBeGreaterThanOrEqual(60);
});

test('T50: a switchover that somebody stops in the console is put in order by the sweep', async () => {
  await world.healthy();
  await world.must('switch', cluster, '--no-wait');
  await world.until('the switchover is under way', async () => (await world.lease()).operation !== null);
  const { operation } = await world.lease();
  const stopped = (await executionsOf('switchover')).find(({ name }) => name === operation?.id);
  await new SFNClient(world.credentials).send(new StopExecutionCommand({ executionArn: stopped?.executionArn }));
  await sweep();
  await world.until('nothing is on the lease', async () => (await world.lease()).operation === null);
  const { holder } = await world.healthy();
  await world.until('clients can write', () =>
    world.throughVip(write).then(
      () => true,
      () => false,
    ),
  );
  const settled = (await world.journal()).filter(({ rule }) => rule === 'begin-settle');
  expect(settled.at(-1)?.because).toContain(`taken over from ${operation?.id}`);
  expect((await world.sql(holder ?? '', 'SELECT pg_is_in_recovery() AS backup'))[0]).toEqual({ backup: false });
});

test('T47: a VIP that somebody has taken away is brought back to the main by the sweep', async () => {
  await world.healthy();
  // Through the front that obeys, as the functions do.
  const { AWS_ENDPOINT_URL_EC2 } = world.stack.facts.environment;
  const ec2 = new EC2Client({ ...world.credentials, endpoint: AWS_ENDPOINT_URL_EC2 });
  const { Addresses } = await ec2.send(new DescribeAddressesCommand({}));
  const AssociationId = Addresses?.find((address) => address.AssociationId)?.AssociationId;
  expect(AssociationId).toBeDefined();
  await ec2.send(new DisassociateAddressCommand({ AssociationId }));
  await world.until(
    'clients cannot write',
    () =>
      world.throughVip(write).then(
        () => false,
        () => true,
      ),
    5000,
  );
  await sweep();
  await world.until('clients can write', () =>
    world.throughVip(write).then(
      () => true,
      () => false,
    ),
  );
  const moved = (await world.journal()).findLast(({ rule }) => rule === 'check-settle');
  expect(moved?.because).toMatch(/^the VIP is at nobody, and db\d is the main$/);
  await world.healthy();
});
