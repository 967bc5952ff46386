// The fault matrix on real PostgreSQL in namespaces of its own: a client on each side of every cut, every acknowledged write looked
// for at the end. `npm run matrix` runs all faults in all modes; here stand those that have broken others.

import type { ReplicationMode } from '../../core/replication';
import { whyNoDisks } from '../../local/netns-backend';
import { whyNoNetwork } from '../../local/network';
import { faults } from '../matrix/faults';
import { wrongWith } from '../matrix/judge';
import { ensureTable, runTrial, type Trial } from '../matrix/trial';
import { World } from '../support/e2e';

jest.setTimeout(240_000);

const why = whyNoNetwork();
const whyDisks = why === null ? whyNoDisks() : null;
if (whyDisks !== null) process.stderr.write(`the faults of disks are not run: ${whyDisks}\n`);
const disk = whyDisks === null ? { diskMiB: 400 } : {};
const canStrike = (name: string): boolean => whyDisks === null || faults[name]?.disk !== true;

const whereItCan = why === null ? describe : describe.skip;
if (why !== null) process.stderr.write(`the fault matrix is not run: ${why}\n`);

const chosen: Record<ReplicationMode, string[]> = {
  async: ['cut off', 'agent frozen'],
  sync: [
    'power off',
    'cut off',
    'node frozen',
    'agent lost',
    'cut from the store',
    'answers of the store lost',
    'cut from its backups',
    'clients cut off',
    'backups cut from the store',
    'store away',
    'store away and main lost',
    'disk stalls',
  ],
  strict: ['power off', 'engine killed', 'clean stop', 'cut off'],
};

whereItCan.each(Object.entries(chosen) as [ReplicationMode, string[]][])('in %s mode', (mode, names) => {
  let world: World;
  beforeAll(async () => {
    world = await World.seated({ backend: 'netns', ...disk, cluster: { replication: { mode, backups: 1 } } });
    await ensureTable(world);
  });
  afterAll(() => world?.stop());

  test.each(names.filter(canStrike).map((name) => [`${faults[name]?.traps.join(', ')}: ${name}`, name]))(
    '%s',
    async (_, name) => {
      const trial = await runTrial(world, name, mode);
      expect({ ...trial, wrong: wrongWith(trial) }).toMatchObject({ wrong: [] });
      expect(trial.acknowledged).toBeGreaterThan(0);
    },
  );
});

whereItCan('with onStoreLoss: failsafe', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.seated({ backend: 'netns', ...disk, cluster: { onStoreLoss: 'failsafe' } });
    await ensureTable(world);
  });
  afterAll(() => world?.stop());

  test('T25, T26: the main goes on while the store is away for everybody: the same engine, at the same epoch', async () => {
    const { holder, epoch } = await world.healthy();
    const engine = world.enginePid(holder ?? '');
    const trial = await runTrial(world, 'store away', 'async');
    expect({ ...trial, wrong: wrongWith(trial) }).toMatchObject({ wrong: [], outcome: 'kept' });
    expect(await world.lease()).toMatchObject({ holder, epoch });
    expect(world.enginePid(holder ?? '')).toBe(engine);
    await world.until('the journal says why it went on', async () =>
      (await world.journal()).some(({ rule }) => rule === 'F10'),
    );
  });

  test('T20: a main that alone has lost the store is replaced all the same', async () => {
    const trial = await runTrial(world, 'cut from the store', 'async');
    expect({ ...trial, wrong: wrongWith(trial) }).toMatchObject({ wrong: [], outcome: 'replaced' });
  });

  test('uninstalling takes the gate out of the kernel, and is refused while the agent runs', async () => {
    const { holder } = await world.healthy();
    const name = world.stack.facts.nodes.find((node) => node.name !== holder)?.name ?? '';
    const rules = () => world.onNode(name, 'nft', 'list', 'ruleset');
    expect((await rules()).output).toContain('table inet mainstay_alpha');
    expect(await world.onNode(name, 'mainstay-agent', 'uninstall')).toMatchObject({
      code: 1,
      output: expect.stringContaining('the agent is running'),
    });
    expect((await rules()).output).toContain('table inet mainstay_alpha');
    await world.stack.order('stop-agent', name);
    expect((await world.onNode(name, 'mainstay-agent', 'uninstall')).code).toBe(0);
    expect((await rules()).output).not.toContain('mainstay');
    await world.stack.order('start-agent', name);
    await world.healthy();
  });
});

test('what is wrong with a trial is seen', () => {
  const fine: Trial = {
    ...{ fault: 'cut off', mode: 'sync', outcome: 'replaced', gapMs: 4000, twoMainsMs: 0, wrongWrites: 0 },
    ...{ lostWrites: 0, reported: null, acknowledged: 100 },
  };
  expect(wrongWith(fine)).toEqual([]);
  expect(wrongWith({ ...fine, lostWrites: 1, reported: { atLeastBytes: 1, beyondBytes: 1 } })).toHaveLength(1);
  expect(wrongWith({ ...fine, mode: 'async', lostWrites: 1 })).toEqual([
    expect.stringContaining('nothing was reported'),
  ]);
  expect(wrongWith({ ...fine, outcome: 'kept' })).toEqual([expect.stringContaining('expected: replaced')]);
  expect(wrongWith({ ...fine, twoMainsMs: 3, wrongWrites: 1 })).toHaveLength(2);
});
