// Named scenarios for the traps that the protocol can meet, and the proof that a checker can fail.

import { ok } from '../../core/result';
import { runStep } from '../../workflows/run-step';
import type { WorkflowState } from '../../workflows/state';
import { atRest, main } from './scenario';
import { runScenario, scenarios } from './scenarios';

test.each(Object.entries(scenarios))('%s', async (_, scenario) => {
  const world = await scenario();
  expect(world.witness.broken).toBeNull();
});

test('a scenario is found by a part of its title; one that is not there is answered with those that are', async () => {
  await expect(runScenario('T25, T26')).resolves.toContainEqual(expect.stringContaining('self-fenced'));
  await expect(runScenario('no such story')).rejects.toThrow(
    /names 0 scenarios; say more of one of these:\n {2}T25: in failsafe/,
  );
});

test('the checkers can fail: with a fence that believes without looking they see who writes on', async () => {
  const world = await atRest();
  main(world).withoutDeadman = true;
  main(world).life?.freeze();
  world.cloud.stepRunner = async (ports, call) => {
    if (call.step !== 'fence') return runStep(ports, call);
    const lease = world.lease();
    const proof = { node: lease.former ?? '', epoch: lease.epoch, how: 'self-fence' as const, evidence: 'believed' };
    const entry = {
      kind: 'step' as const,
      actor: 'step:fence',
      rule: 'fence',
      because: 'believed',
      epoch: lease.epoch,
    };
    await ports.journal.append({ cluster: 'alpha', at: ports.clock.wall(), operation: call.operation, ...entry });
    world.store.table.put('CLUSTER#alpha', 'LEASE', { ...lease, fence: proof, version: lease.version + 1 });
    return ok({ ...(call.state as WorkflowState), proof });
  };
  void world.people.order('failover', { force: true });
  await world.clock.advance(20_000);
  expect(world.witness.broken?.message).toContain('I4 is broken: db1 acknowledged a write at epoch 2');
});
