// What is done to agents of a real cluster from outside: the restart of an upgrade, and the command that stops an engine past its agent.

import { SSMClient } from '@aws-sdk/client-ssm';
import { createPoker } from '../../adapters/aws/poker';
import { createSystemClock } from '../../adapters/system';
import { WritingClient } from '../../local/client';
import { cluster, World } from '../support/e2e';
import { aNode, problem, value } from '../support/samples';

jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await World.seated();
});
afterAll(() => world?.stop());

/** As the control plane has it, against the local SSM. */
function poker() {
  const { stackName, environment } = world.stack.facts;
  return createPoker(new SSMClient({ ...world.credentials, endpoint: environment.AWS_ENDPOINT_URL_SSM }), {
    clock: createSystemClock(),
    documents: { poke: `${stackName}-poke`, engineStop: `${stackName}-engine-stop`, consumer: `${stackName}-consumer` },
    pokeLifeS: 60,
    redirectMs: 10_000,
    stopMs: 10_000,
    pollMs: 50,
  });
}

const nodeOf = (name: string) => ({ ...aNode(name), instanceId: world.stack.node(name).instanceId });

test('T65, T6: the restart of an upgrade leaves a main its role, its engine and its sessions, on every node in turn', async () => {
  const before = await world.healthy();
  const main = before.holder ?? '';
  const engine = world.enginePid(main);
  const client = new WritingClient(world.stack.facts.vip);
  await client.start();
  await client.flows(20, 10_000);
  const sinceMs = performance.now();
  for (const { name } of world.stack.facts.nodes) {
    const { boot } = (await world.report(name)) ?? { boot: '' };
    await world.stack.order('restart-agent', name);
    await world.until(`the next agent of ${name} reports`, async () => (await world.report(name))?.boot !== boot);
  }
  const { renewals } = await world.lease();
  await world.until(
    'the lease is renewed by the next agent',
    async () => (await world.lease()).renewals > renewals + 3,
  );
  await client.flows(20, 10_000);
  const { ms: gapMs } = client.longestGap(sinceMs);
  await client.stop();
  const { epoch, holder, phase, shunned } = await world.lease();
  expect({ epoch, holder, phase, shunned }).toEqual({ epoch: before.epoch, holder: main, phase: 'held', shunned: {} });
  expect(world.enginePid(main)).toBe(engine);
  // Not one session was cut, and no write waited for the gate.
  expect({ problem: client.lastError, gap: gapMs < 1000 ? 'short' : gapMs }).toEqual({ problem: '', gap: 'short' });
});

test('T48, T57: a stop of the engine is refused where its epoch is not newer than what the holder has seen', async () => {
  const { epoch, holder } = await world.healthy();
  const main = nodeOf(holder ?? '');
  const late = problem(await poker().stopEngine(main, cluster, epoch - 1));
  expect(late).toMatchObject({ code: 'Refused', message: expect.stringContaining(`has seen epoch ${epoch}`) });
  const own = problem(await poker().stopEngine(main, cluster, epoch));
  expect(own).toMatchObject({ code: 'Refused', message: expect.stringContaining('its engine is wanted') });
  const foreign = problem(await poker().stopEngine(main, 'another', epoch + 1));
  expect(foreign).toMatchObject({ code: 'Refused', message: expect.stringContaining(`belongs to ${cluster}`) });
  await world.throughVip('SELECT 1');
});

test('T6: an engine whose agent is frozen is stopped by the command, long before its promise would have to end', async () => {
  const before = await world.healthy();
  const main = before.holder ?? '';
  await world.stack.order('freeze-agent', main);
  value(await poker().stopEngine(nodeOf(main), cluster, before.epoch + 1));
  await expect(world.sql(main, 'SELECT 1')).rejects.toThrow();
  const after = await world.failedOver(before.epoch);
  expect(after.holder).not.toBe(main);
  await world.stack.order('thaw-agent', main);
  await world.until(
    'the old main reports that it is shunned',
    async () => (await world.report(main))?.state === 'shunned',
  );
  await world.recoverAll();
});
