// Fleet and Brake: memory, and DynamoDB as the emulator has it.

import { createBrake } from '../../adapters/aws/brake';
import { createFleet } from '../../adapters/aws/fleet';
import { createMemoryBrake } from '../../adapters/memory/brake';
import { createMemoryFleet } from '../../adapters/memory/fleet';
import { type Cloud, cloudStartMs, createTable, startCloud, tableClient } from '../support/cloud';
import { createFaultScript } from '../support/fault-script';
import { value } from '../support/samples';
import { brakeContract } from './suites/brake';
import { fleetContract } from './suites/fleet';

/** Faults strike the one and not the other, over the same content. */
function inMemory<Port extends object>(create: (options: { faults: ReturnType<typeof createFaultScript> }) => Port) {
  const script = createFaultScript();
  const port = create({ faults: script });
  return { port, other: port, script };
}

brakeContract('memory', async () => ({ ...inMemory(createMemoryBrake), write: 'take' }));
fleetContract('memory', async () => ({ ...inMemory(createMemoryFleet), write: 'put' }));

describe('on the emulator', () => {
  let cloud: Cloud;
  let tables = 0;
  beforeAll(async () => {
    cloud = await startCloud();
  }, cloudStartMs);
  afterAll(() => cloud?.stop());

  /** A table of its own: the brake is one item. */
  async function inDynamo<Port>(create: (table: ReturnType<typeof tableClient>) => Port) {
    tables += 1;
    const name = `fleet-${tables}`;
    await createTable(cloud.options, name);
    const script = createFaultScript();
    const port = create(tableClient(cloud.options, name, script));
    return { port, other: create(tableClient(cloud.options, name)), script };
  }

  brakeContract('DynamoDB', async () => ({ ...(await inDynamo(createBrake)), write: 'UpdateItem' }));
  fleetContract('DynamoDB', async () => ({ ...(await inDynamo(createFleet)), write: 'PutItem' }));

  it('T4: what decides is read consistently: the brake, the place of a cluster, and the queue', async () => {
    const { port, script } = await inDynamo((table) => ({ brake: createBrake(table), fleet: createFleet(table) }));
    value(await port.brake.read());
    value(await port.brake.placeOf('alpha'));
    value(await port.fleet.waiting('route53#zone', 10));
    expect(script.calls.map(({ args }) => args[0])).toEqual(
      [1, 2, 3].map(() => expect.objectContaining({ ConsistentRead: true })),
    );
  });
});
