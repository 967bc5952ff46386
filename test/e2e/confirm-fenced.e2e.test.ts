// A cluster whose fence nothing but a person's word can prove: the main is killed, the failover sleeps with a task token, and
// `mainstay confirm-fenced` wakes it. Real Step Functions definition, real agents, real engines; asserts the record and one main.

import { ListExecutionsCommand, ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { cluster, World } from '../support/e2e';

jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await World.seated({ cluster: { fence: ['operator'] } });
});
afterAll(() => world?.stop());

async function runningFailovers(): Promise<string[]> {
  const sfn = new SFNClient(world.credentials);
  const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
  const stateMachineArn = stateMachines?.find(({ name }) => name === 'mainstay-failover')?.stateMachineArn;
  const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }));
  sfn.destroy();
  return (executions ?? []).map(({ name }) => name ?? '');
}

/** Nodes that would take a write now, asked past the VIP. */
async function writable(): Promise<string[]> {
  const asked = ['db1', 'db2', 'db3'].map(async (node) => {
    const rows = await world.sql(node, 'SELECT pg_is_in_recovery() AS waits').catch(() => []);
    return rows[0]?.waits === false ? [node] : [];
  });
  return (await Promise.all(asked)).flat();
}

const asleep = () =>
  world.until('the failover sleeps', async () =>
    (await world.journal()).some(
      ({ actor, because }) => actor === 'step:ask-operator' && /waits for a person/.test(because),
    ),
  );

test('T54: nobody is promoted until a person says that the killed main is stopped; the word, the name and the reason are on record', async () => {
  const { epoch } = await world.healthy();
  expect((await world.cli('confirm-fenced', cluster, '--node', 'db1', '--reason', 'too early', '--yes')).code).toBe(3);
  await world.stack.order('pull-plug', 'db1');
  await asleep();
  const claimed = await world.lease();
  expect(claimed).toMatchObject({ phase: 'claimed', former: 'db1', holder: null, epoch: epoch + 1, fence: null });
  expect(await writable()).toEqual([]);
  expect(await runningFailovers()).toContain(claimed.operation?.id);

  const status = await world.must('status', cluster);
  expect(status.stdout).toMatch(/db1 IS NOT PROVEN STOPPED; next: .*confirm-fenced alpha --node db1/);
  const wrong = await world.cli('confirm-fenced', cluster, '--node', 'db2', '--reason', 'wrong node', '--yes');
  expect([wrong.code, wrong.stderr]).toEqual([
    3,
    expect.stringMatching(/the node to be proven stopped is db1, not db2/),
  ]);
  const unsure = await world.cli('confirm-fenced', cluster, '--node', 'db1', '--reason', 'plug pulled');
  expect([unsure.code, unsure.stderr]).toEqual([3, expect.stringMatching(/your word makes two mains/)]);
  expect((await world.lease()).vouched).toBeNull();

  const word = ['--node', 'db1', '--reason', 'the plug is in my hand', '--by', 'ann', '--yes', '--json'];
  const { stdout } = await world.must('confirm-fenced', cluster, ...word);
  expect(JSON.parse(stdout)).toMatchObject({ cluster, node: 'db1', epoch: epoch + 1, by: 'ann', woken: 'woken' });
  const after = await world.failedOver(epoch);
  expect(after).toMatchObject({
    epoch: epoch + 1,
    fence: { node: 'db1', epoch: epoch + 1, how: 'operator', evidence: 'ann: the plug is in my hand' },
  });
  expect(await writable()).toEqual([after.holder]);

  const told = (await world.journal(claimed.operation?.id ?? '')).map(
    ({ actor, rule, because }) => `${actor} ${rule}: ${because}`,
  );
  const at = (text: string) => told.findIndex((line) => line.includes(text));
  expect(at('Halt.Unproven: db1 could not be proven stopped (operator: nobody has confirmed it)')).toBeGreaterThan(-1);
  expect(at('step:ask-operator ask-operator: waits for a person')).toBeGreaterThan(at('Halt.Unproven'));
  expect(at('PROVEN by operator: ann: the plug is in my hand')).toBeGreaterThan(at('waits for a person'));
  expect(at('step:grant')).toBeGreaterThan(at('PROVEN by operator'));
  const spoken = (await world.journal()).filter(({ rule }) => rule === 'vouch');
  expect(spoken).toMatchObject([
    { actor: 'operator:ann', because: 'db1 is stopped, says ann: the plug is in my hand' },
  ]);
});

test('T50: a failover that sleeps gives way to a person who names the right node, and touches nothing when it wakes', async () => {
  await world.stack.order('power-on', 'db1');
  await world.recoverAll();
  const { epoch, holder } = await world.healthy();
  const others = ['db1', 'db2', 'db3'].filter((node) => node !== holder);
  await world.stack.order('pull-plug', holder ?? '');
  await world.until('the second failover sleeps', async () => {
    const { phase, operation } = await world.lease();
    const entries = operation ? await world.journal(operation.id) : [];
    return phase === 'claimed' && entries.some(({ actor }) => actor === 'step:ask-operator');
  });
  const sleeper = (await world.lease()).operation?.id ?? '';
  await world.must('start', cluster, '--node', others[0] ?? '', '--yes');
  expect(await world.lease()).toMatchObject({ phase: 'held', holder: others[0], epoch: epoch + 2 });
  await world.until('the sleeper has ended', async () => !(await runningFailovers()).includes(sleeper));
  const refusals = (await world.journal(sleeper)).filter(({ kind }) => kind === 'refusal').map(({ rule }) => rule);
  expect(refusals).toEqual(['Halt.Unproven', 'Halt.StaleEpoch']);
  expect(await writable()).toEqual([others[0]]);
});
