// Poker: memory, and SSM. The emulator (ministack 1.4.21) cannot send commands, so the SSM adapter runs against
// test/support/fake-ssm.ts, which answers over HTTP as AWS documents it.

import { SSMClient } from '@aws-sdk/client-ssm';
import { createClient } from '../../adapters/aws/clients';
import { createPoker } from '../../adapters/aws/poker';
import { createMemoryPoker } from '../../adapters/memory/messages';
import { refused, unreachable } from '../../adapters/problems';
import { createSystemClock } from '../../adapters/system';
import { fail, ok } from '../../core/result';
import { documents } from '../../infra/documents';
import { testOptions } from '../support/cloud';
import { type FakeSsm, startFakeSsm } from '../support/fake-ssm';
import { createFaultScript } from '../support/fault-script';
import { injectFaults } from '../support/faults-middleware';
import { aNode, problem, value } from '../support/samples';
import { billing, pokerContract, reports } from './suites/poker';

pokerContract('memory', async () => {
  const script = createFaultScript();
  const poked: string[] = [];
  const redirected: string[] = [];
  const stopped: string[] = [];
  let outcome: 'done' | 'failed' | 'silent' = 'done';
  const answers = {
    done: ok(undefined),
    failed: fail(refused('restart failed', 'mend the host')),
    silent: fail(unreachable('no answer', 'run it again')),
  };
  return {
    poker: createMemoryPoker({
      faults: script,
      onPoke: (node, cluster, epoch) => poked.push(`${node.instanceId} ${cluster} ${epoch}`),
      onRedirect: async (consumer, cluster, { host }, epoch) => {
        const what =
          'document' in consumer ? [consumer.document] : [...Object.values(consumer.properties), consumer.service];
        redirected.push([consumer.instanceId, cluster, host, epoch, ...what].join(' '));
        return answers[outcome];
      },
      onStopEngine: async (node, cluster, epoch) => {
        stopped.push(`${node.instanceId} ${cluster} ${epoch}`);
        return answers[outcome];
      },
    }),
    script,
    poked: () => poked,
    redirected: () => redirected,
    stopped: () => stopped,
    host: (wanted) => {
      outcome = wanted;
    },
    poke: 'poke',
    redirect: 'redirect',
    stop: 'stopEngine',
  };
});

describe('against a fake SSM', () => {
  let ssm: FakeSsm;
  beforeEach(async () => {
    ssm = await startFakeSsm();
    ssm.documents = documents;
  });
  afterEach(() => ssm.stop());

  const wall = '2026-01-01T00:00:00.500Z';
  const main = aNode('db2');

  function build(maxAttempts = 1) {
    const script = createFaultScript();
    const client = createClient(SSMClient, { ...testOptions(ssm.endpoint), maxAttempts });
    injectFaults(client, script);
    const options = {
      clock: { ...createSystemClock(), wall: () => wall },
      documents: { poke: 'poke', engineStop: 'engine-stop', consumer: 'consumer' },
      pokeLifeS: 60,
      redirectMs: 400,
      stopMs: 400,
      pollMs: 20,
    };
    return { poker: createPoker(client, options), script };
  }

  pokerContract('SSM', async () => ({
    ...build(),
    poked: () =>
      ssm.sent
        .filter(({ document }) => document === 'poke')
        .flatMap(({ instanceIds, parameters: { cluster, epoch } }) =>
          instanceIds.map((id) => `${id} ${cluster} ${epoch}`),
        ),
    redirected: () =>
      ssm.sent
        .filter(({ document }) => ['consumer', 'doc'].includes(document))
        .map(({ document, instanceIds, parameters: { cluster = 'shop', main: host, epoch, file, key, service } }) =>
          [instanceIds, cluster, host, epoch, ...(file ? [file, key, service] : [document])].join(' '),
        ),
    stopped: () =>
      ssm.sent
        .filter(({ document }) => document === 'engine-stop')
        .map(({ instanceIds, parameters: { cluster, epoch } }) => `${instanceIds} ${cluster} ${epoch}`),
    host: (outcome) => {
      const status = ({ done: 'Success', failed: 'Failed', silent: 'InProgress' } as const)[outcome];
      ssm.invocations = () => [{ status }];
    },
    poke: 'SendCommand',
    redirect: 'SendCommand',
    stop: 'SendCommand',
  }));

  it('T57: a poke expires, in epoch seconds, and SSM gives its delivery up soon', async () => {
    value(await build().poker.poke([main], 'shop', 7));
    const expires = String(Math.ceil(Date.parse(wall) / 1000) + 60);
    expect(ssm.sent).toMatchObject([
      { parameters: { cluster: ['shop'], epoch: ['7'], expires: [expires] }, deliveryS: 30 },
    ]);
  });

  it('pokes all nodes in one command, and more than 50 in several', async () => {
    const { poker } = build();
    value(await poker.poke([aNode('db1'), aNode('db2')], 'shop', 7));
    expect(ssm.sent.map(({ instanceIds }) => instanceIds)).toEqual([['i-db1', 'i-db2']]);
    value(
      await poker.poke(
        Array.from({ length: 120 }, (_, index) => aNode(`n${index}`)),
        'shop',
        7,
      ),
    );
    expect(
      ssm.sent
        .slice(1)
        .map(({ instanceIds }) => instanceIds.length)
        .sort(),
    ).toEqual([20, 50, 50]);
  });

  it('does not wait for what a poke sets off', async () => {
    const { poker, script } = build();
    value(await poker.poke([main], 'shop', 7));
    expect(script.calls.map(({ method }) => method)).toEqual(['SendCommandCommand']);
  });

  it('one dead instance does not keep the poke from the others', async () => {
    ssm.missing.add('i-db1');
    value(
      await build().poker.poke(
        ['db1', 'db2', 'db3'].map((name) => aNode(name)),
        'shop',
        7,
      ),
    );
    expect(ssm.sent.map(({ instanceIds }) => instanceIds).sort()).toEqual([['i-db2'], ['i-db3']]);
  });

  it('is Refused when SSM knows none of the instances', async () => {
    for (const name of ['i-db1', 'i-db2', 'i-reports']) ssm.missing.add(name);
    expect(problem(await build().poker.poke([aNode('db1'), aNode('db2')], 'shop', 7)).code).toBe('Refused');
    expect(problem(await build().poker.redirect(reports, 'shop', main, 7)).code).toBe('Refused');
  });

  it('T58: no invocation right after sending is no failure', async () => {
    ssm.hiddenLooks = 3;
    ssm.invocations = () => [{ status: 'Pending' }, { status: 'InProgress' }, { status: 'Success' }];
    value(await build().poker.redirect(billing, 'shop', main, 7));
  });

  it('T58: an invocation that never appears is Unreachable', async () => {
    ssm.hiddenLooks = Number.POSITIVE_INFINITY;
    expect(problem(await build().poker.redirect(billing, 'shop', main, 7)).code).toBe('Unreachable');
  });

  it('T55: looks at the command that it sent, not at an earlier one on the same host', async () => {
    const { poker, script } = build();
    ssm.invocations = ({ id }) => [
      id === 'command-1' ? { status: 'Success' } : { status: 'Failed', output: 'port 5433 is in use' },
    ];
    value(await poker.redirect(billing, 'shop', main, 7));
    const second = problem(await poker.redirect(billing, 'shop', main, 8));
    expect(second).toMatchObject({
      code: 'Refused',
      details: { commandId: 'command-2', output: 'port 5433 is in use' },
    });
    expect(second.message).toContain('port 5433 is in use');
    expect(script.calls.at(-1)?.args).toEqual([{ CommandId: 'command-2', InstanceId: 'i-billing' }]);
  });

  it.each(['TimedOut', 'Cancelled'] as const)(
    'a redirect that ended as %s is Unreachable: nobody knows how far it got',
    async (status) => {
      ssm.invocations = () => [{ status: 'InProgress' }, { status }];
      expect(problem(await build().poker.redirect(billing, 'shop', main, 7))).toMatchObject({
        code: 'Unreachable',
        details: { status },
      });
    },
  );

  it.each(['DeliveryTimedOut', 'Undeliverable', 'Terminated', 'AccessDenied', 'InvalidPlatform'])(
    'T11: a failure that is no answer of the script (%s) is Unreachable',
    async (statusDetails) => {
      ssm.invocations = () => [{ status: 'Failed', statusDetails }];
      expect(problem(await build().poker.stopEngine(main, 'shop', 7))).toMatchObject({
        code: 'Unreachable',
        details: { statusDetails },
      });
    },
  );

  it('T13: an SSM agent that is down leaves the command in progress: given up at the bound, and said so', async () => {
    ssm.invocations = () => [{ status: 'Delayed' }];
    const { code, next, details } = problem(await build().poker.stopEngine(main, 'shop', 7));
    expect({ code, next, details }).toMatchObject({
      code: 'Unreachable',
      next: expect.stringContaining('SSM agent'),
      details: { last: 'Delayed' },
    });
  });

  it('T57: redirects and stops expire when their sender gives up waiting', async () => {
    const { poker } = build();
    value(await poker.redirect(billing, 'shop', main, 7));
    value(await poker.redirect(reports, 'shop', main, 7));
    value(await poker.stopEngine(main, 'shop', 7));
    const expires = [String(Math.ceil(Date.parse(wall) / 1000 + 0.4))];
    expect(ssm.sent.map(({ parameters }) => parameters.expires)).toEqual([expires, expires, expires]);
  });

  it('a parameter that the document does not allow is Broken: no retry mends it', async () => {
    const hostile = { ...main, host: "db2'; reboot; '" };
    expect(problem(await build().poker.redirect(billing, 'shop', hostile, 7))).toMatchObject({ code: 'Broken' });
    expect(ssm.sent).toEqual([]);
  });

  it('a missing permission is Broken and names the action', async () => {
    for (const action of ['ssm:SendCommand', 'ssm:GetCommandInvocation']) {
      if (action === 'ssm:GetCommandInvocation') ssm.invocations = () => [{ status: 'InProgress' }];
      const { poker, script } = build();
      script.just(action.replace('ssm:', ''), () => ssm.failures.push([400, 'AccessDeniedException']));
      expect(problem(await poker.stopEngine(main, 'shop', 7))).toMatchObject({ code: 'Broken', details: { action } });
    }
  });

  it('T3, T13: with retries in the SDK a server fault, a throttled call and a lost answer are sent again', async () => {
    const { poker, script } = build(4);
    script.next('SendCommand', 'throttle');
    script.next('SendCommand', 'timeout-after');
    script.just('SendCommand', () => ssm.failures.push([500, 'InternalServerError']));
    value(await poker.redirect(billing, 'shop', main, 7));
    // The one whose answer was lost had arrived: the document does nothing twice at the same epoch.
    expect(ssm.sent.length).toBe(2);
  });

  it('T13: a look that gets no answer or is throttled does not end the waiting', async () => {
    const { poker, script } = build();
    script.next('GetCommandInvocation', 'timeout-after');
    script.next('GetCommandInvocation', 'throttle');
    value(await poker.redirect(billing, 'shop', main, 7));
  });
});
