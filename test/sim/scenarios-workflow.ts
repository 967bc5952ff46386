// Named scenarios: traffic, steps and executions, policies and messages.

import assert from 'node:assert/strict';
import { runStep } from '../../workflows/run-step';
import { atRest, backup, backups, main, ordered, pullPlug, type Scenario, startedKinds, writable } from './scenario';

export const workflowScenarios: Record<string, Scenario> = {
  'T43: in a switchover nobody has the VIP between the old main and the new one': async () => {
    const world = await atRest();
    const from = world.story.length;
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    const moves = world.story.slice(from).filter((line) => line.includes('VIP at'));
    assert.deepEqual(
      moves.map((line) => line.split('VIP at ')[1]),
      ['nobody', world.lease().holder],
    );
    return world;
  },

  'T46, T47: a VIP that cannot be moved makes no success, and is brought to the main as soon as it can be':
    async () => {
      const world = await atRest();
      const target = backup(world);
      world.cloud.stepRunner = async (ports, call) => {
        if (call.step !== 'move-vip') return runStep(ports, call);
        return {
          ok: false,
          error: { family: 'Retry', code: 'Unreachable', message: 'EC2 does not answer', next: 'again' },
        };
      };
      const { end } = await ordered(world, 'switchover', { to: target.name });
      assert.equal(end, 'paged');
      assert.equal(world.vipTarget(), undefined);
      world.cloud.stepRunner = null;
      await world.clock.advance(600_000);
      assert.deepEqual([world.isAtRest(), world.vipTarget()?.name], [true, target.name]);
      return world;
    },

  'T48: a step that runs twice changes nothing the second time': async () => {
    const world = await atRest();
    world.cloud.stepRunner = async (ports, call) => {
      await runStep(ports, call);
      return runStep(ports, call);
    };
    const { epoch } = world.lease();
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    assert.equal(world.lease().epoch, epoch + 1);
    pullPlug(world, main(world));
    await world.clock.advance(20_000);
    const { epoch: after, phase, operation } = world.lease();
    assert.deepEqual({ after, phase, operation }, { after: epoch + 2, phase: 'held', operation: null });
    return world;
  },

  'T48: two invocations of every step side by side come to the same end': async () => {
    const world = await atRest();
    world.cloud.stepRunner = async (ports, call) =>
      (await Promise.all([runStep(ports, call), runStep(ports, call)]))[1] as Awaited<ReturnType<typeof runStep>>;
    const { epoch } = world.lease();
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    pullPlug(world, main(world));
    await world.clock.advance(20_000);
    assert.deepEqual([world.lease().epoch, world.lease().phase], [epoch + 2, 'held']);
    return world;
  },

  'T48, T57: a step of an older epoch that arrives late touches nothing': async () => {
    const world = await atRest();
    let late: (() => ReturnType<typeof runStep>) | null = null;
    world.cloud.stepRunner = async (ports, call) => {
      if (call.step === 'move-vip') late ??= () => runStep(ports, call);
      return runStep(ports, call);
    };
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    const { epoch, version } = world.lease();
    const result = await world.clock.until((late as unknown as () => ReturnType<typeof runStep>)());
    assert.deepEqual([result.ok, result.ok || result.error.code], [false, 'StaleEpoch']);
    assert.deepEqual([world.lease().epoch, world.vipTarget()], [epoch, main(world)]);
    assert.ok(world.lease().version >= version);
    return world;
  },

  'T50: a switchover that is stopped after any of its steps is put in order without anybody asking': async () => {
    let last = await atRest();
    for (let stopAfter = 1; stopAfter <= 12; stopAfter++) {
      const world = await atRest();
      let ran = 0;
      world.cloud.afterInvocation = ({ operation }) => {
        const execution = world.execution(operation);
        ran += 1;
        if (ran === stopAfter && execution) world.cloud.stop(execution);
      };
      void world.people.order('switchover');
      await world.clock.advance(60_000);
      assert.deepEqual([stopAfter, world.isAtRest()], [stopAfter, true]);
      assert.equal(world.witness.broken, null);
      last = world;
    }
    return last;
  },

  'T51, T52: a switchover that fails before its point of no return is undone, after it never': async () => {
    const world = await atRest();
    const { epoch, holder } = world.lease();
    const candidate = backup(world);
    world.cloud.beforeInvocation = ({ step }) => step === 'withdraw-vip' && world.network.cut(candidate.name, 'db1');
    const undone = await ordered(world, 'switchover', { to: candidate.name });
    assert.deepEqual([undone.end, undone.problem?.code], ['undone', 'BarrierTimeout']);
    world.network.mendAll();
    await world.clock.advance(5000);
    assert.deepEqual([world.isAtRest(), world.lease().epoch, world.lease().holder], [true, epoch, holder]);
    world.cloud.beforeInvocation = ({ step }) => step === 'promote' && candidate.powered && pullPlug(world, candidate);
    assert.equal((await ordered(world, 'switchover', { to: candidate.name })).end, 'paged');
    await world.clock.advance(60_000);
    assert.ok(world.lease().epoch > epoch + 1);
    assert.deepEqual(writable(world), [world.lease().holder]);
    assert.equal(world.vipTarget()?.name, world.lease().holder);
    return world;
  },

  'T53: what preflight has seen is looked at again under the lock': async () => {
    const world = await atRest();
    world.cloud.stepRunner = async (ports, call) => {
      const result = await runStep(ports, call);
      if (call.step === 'preflight') for (const { engine } of backups(world)) engine.kill('killed after the preflight');
      if (call.step === 'preflight') for (const { engine } of backups(world)) engine.defect = 'broken';
      return result;
    };
    const { end, problem } = await ordered(world, 'switchover');
    assert.deepEqual([end, problem?.code, writable(world)], ['undone', 'NoCandidate', ['db1']]);
    return world;
  },

  'T54: an execution that is redriven an hour late finds a newer epoch and touches nothing': async () => {
    const world = await atRest();
    world.cloud.afterInvocation = ({ step, operation }) => {
      const execution = world.execution(operation);
      if (step === 'choose-for-switchover' && execution && !execution.stopped) world.cloud.stop(execution);
    };
    void world.people.order('switchover');
    await world.clock.advance(30_000);
    world.cloud.afterInvocation = () => undefined;
    pullPlug(world, main(world));
    await world.clock.advance(3_600_000);
    const { epoch, holder } = world.lease();
    const [old] = world.cloud.all;
    assert.ok(old);
    const outcome = world.cloud.redrive(old);
    assert.ok(outcome);
    const { end, problem } = await world.clock.until(outcome);
    assert.deepEqual([end, problem?.code], ['paged', 'StaleEpoch']);
    assert.deepEqual([world.lease().epoch, world.lease().holder, writable(world)], [epoch, holder, [holder]]);
    return world;
  },

  'T55: the final position of an earlier drain does not pass for this one’s': async () => {
    const world = await atRest();
    const candidate = backup(world);
    world.cloud.beforeInvocation = ({ step }) => step === 'withdraw-vip' && world.network.cut(candidate.name, 'db1');
    const { end, state } = await ordered(world, 'switchover', { to: candidate.name });
    assert.equal(end, 'undone');
    world.cloud.beforeInvocation = () => undefined;
    world.network.mendAll();
    await world.clock.advance(5000);
    const before = main(world).engine.bytes;
    const second = await ordered(world, 'switchover', { to: candidate.name });
    assert.equal(second.end, 'done');
    assert.ok((second.state.final?.bytes ?? 0) >= before && before > (state.final?.bytes ?? 0));
    return world;
  },

  'T56: a backup that is down leaves the operation degraded, not failed, and follows when it is back': async () => {
    const world = await atRest();
    const [, down] = backups(world);
    assert.ok(down);
    pullPlug(world, down);
    await world.clock.advance(6000);
    const { end, state } = await ordered(world, 'switchover');
    assert.deepEqual([end, state.degraded], ['done', [down.name]]);
    world.powerOn(down);
    await world.clock.advance(15_000);
    assert.ok(world.isAtRest());
    return world;
  },

  'T49, T56: a main that is lost while the operation that made it main waits for others is replaced at once':
    async () => {
      const world = await atRest();
      const [candidate, down] = backups(world);
      assert.ok(candidate && down);
      pullPlug(world, down);
      await world.clock.advance(6000);
      void world.people.order('switchover', { to: candidate.name });
      while (world.lease().holder !== candidate.name || world.lease().phase !== 'held') await world.clock.advance(50);
      await world.clock.advance(3000);
      assert.equal(world.cloud.running().length, 1);
      pullPlug(world, candidate);
      await world.clock.advance(20_000);
      assert.deepEqual([world.lease().phase, writable(world)], ['held', ['db1']]);
      return world;
    },

  'T50: a recover of a node that is switched off meanwhile ends, and does not hold the lock': async () => {
    const world = await atRest();
    const old = main(world);
    pullPlug(world, old);
    await world.clock.advance(20_000);
    world.cloud.afterInvocation = ({ step }) => step === 'power-on' && pullPlug(world, old);
    const { end, problem } = await ordered(world, 'recover', { node: old.name });
    assert.deepEqual([end, problem?.code, world.lease().operation], ['undone', 'RejoinFailed', null]);
    assert.ok(world.lease().shunned[old.name]);
    return world;
  },

  'T54: a recover that is redriven when its node has become the main ends at once': async () => {
    const world = await atRest();
    const node = backup(world);
    node.engine.kill('killed');
    node.engine.defect = 'broken';
    await world.clock.advance(6000);
    world.cloud.afterInvocation = ({ step, operation }) => {
      const execution = world.execution(operation);
      if (step === 'check-recover' && execution && !execution.stopped) world.cloud.stop(execution);
    };
    void world.people.order('recover', { node: node.name });
    await world.clock.advance(5000);
    world.cloud.afterInvocation = () => undefined;
    node.engine.defect = null;
    await world.clock.advance(10_000);
    assert.equal((await ordered(world, 'switchover', { to: node.name })).end, 'done');
    const [old] = world.cloud.all;
    const outcome = old && world.cloud.redrive(old);
    assert.ok(outcome);
    assert.equal((await world.clock.until(outcome, 60_000)).end, 'undone');
    assert.deepEqual([world.lease().operation, world.lease().holder], [null, node.name]);
    return world;
  },

  'T57: a poke that arrives an hour late makes an agent look, and nothing else': async () => {
    const world = await atRest();
    assert.equal((await ordered(world, 'switchover')).end, 'done');
    await world.clock.advance(3_600_000);
    const { epoch, holder } = world.lease();
    for (const { agent } of world.machines) agent?.poke();
    await world.clock.advance(10_000);
    assert.deepEqual([world.lease().epoch, world.lease().holder, world.isAtRest()], [epoch, holder, true]);
    return world;
  },

  'T1: an event that tells of less than a full ttl of silence makes nobody claim: the control plane watches itself':
    async () => {
      const world = await atRest();
      const { epoch, renewals } = world.lease();
      pullPlug(world, main(world));
      const struckAtMs = world.clock.nowMs();
      const watched = { epoch, renewals, silentMs: 10, seenBy: 'somebody' };
      void world.cloud.start('failover', 'alpha-failover-early', { cluster: 'alpha', by: 'automatic', watched });
      while (world.lease().epoch === epoch) await world.clock.advance(50);
      assert.ok(world.clock.nowMs() - struckAtMs >= 3000, 'not before a full ttl after the last renewal');
      return world;
    },

  'T62: under policy manual the automatic says what it would have done, and does nothing': async () => {
    const world = await atRest();
    const { epoch } = world.lease();
    await world.people.setPolicy('manual');
    pullPlug(world, main(world));
    await world.clock.advance(15_000);
    assert.equal(world.lease().epoch, epoch);
    const [refused] = world.cloud.all;
    assert.equal(refused?.outcome?.problem?.code, 'Policy');
    assert.match(refused?.outcome?.problem?.message ?? '', /automatic would have failed over alpha now, to db\d/);
    assert.equal((await ordered(world, 'failover')).end, 'done');
    return world;
  },

  'T9, T62: under policy manual an alarm on a main that is well is refused for that, not for the policy': async () => {
    const world = await atRest();
    const { epoch } = world.lease();
    await world.people.setPolicy('manual');
    void world.cloud.start('failover', 'alpha-failover-alarm', { cluster: 'alpha', by: 'automatic' });
    await world.clock.advance(15_000);
    assert.equal(world.cloud.all[0]?.outcome?.problem?.code, 'NotSilent');
    assert.equal(world.lease().epoch, epoch);
    return world;
  },

  'T49, T67: events that come twice and late start one failover, and a late one finds nothing to do': async () => {
    const world = await atRest();
    const { epoch } = world.lease();
    world.cloud.messageTrouble = 0.9;
    pullPlug(world, main(world));
    await world.clock.advance(120_000);
    assert.deepEqual([world.lease().epoch, world.lease().phase], [epoch + 1, 'held']);
    const done = world.cloud.all.filter(({ kind, outcome }) => kind === 'failover' && outcome?.end === 'done');
    assert.equal(done.length, 1);
    return world;
  },

  'a forced failover of a healthy main fences it first: nothing is granted before the proof': async () => {
    const world = await atRest();
    const old = main(world);
    const { end, trace } = await ordered(world, 'failover', { force: true });
    assert.equal(end, 'done');
    assert.ok(trace.indexOf('Fence the old main until proven') < trace.indexOf('Grant the lease'));
    assert.equal(world.lease().fence?.node, old.name);
    assert.deepEqual(startedKinds(world).slice(0, 1), ['failover']);
    return world;
  },
};
