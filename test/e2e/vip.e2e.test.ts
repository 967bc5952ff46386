// A VIP that is a record in Route 53, on a real stack: real PostgreSQL, the deployed control plane, and name servers that are asked.

import { World } from '../support/e2e';

jest.setTimeout(300_000);

const write = 'create table if not exists kept (at timestamptz); insert into kept values (now())';

let world: World;
beforeAll(async () => {
  world = await World.seated({ vip: 'route53' });
});
afterAll(() => world?.stop());

const confirmed = async () => (await world.journal()).filter(({ rule }) => rule === 'confirm').at(-1)?.because;

test('T45: a switchover moves the record, and the journal says that its name servers answer the new address', async () => {
  await world.throughVip(write);
  await world.must('switch', 'alpha', '--to', 'db2');
  await world.throughVip(write);
  expect(await confirmed()).toMatch(/wrote through the VIP in \d+ ms; in sync at its one name server/);
});

test('T43: a failover moves the record from a main that is gone', async () => {
  const { holder, epoch } = await world.lease();
  await world.stack.order('pull-plug', holder ?? '');
  const { holder: next } = await world.failedOver(epoch);
  expect(next).not.toBe(holder);
  await world.throughVip(write);
  expect(await confirmed()).toMatch(/in sync at its one name server/);
});
