// What a person or a machine can get wrong: each refusal has its exit code, says what, why and what next, and leaves the
// lease as it was.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DescribeExecutionCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { cluster, World } from '../support/e2e';

jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await World.seated();
});
afterAll(() => world?.stop());

/** Runs the CLI, expects a refusal, and that nobody's authority has changed. */
async function refused(code: number, saying: RegExp, ...args: string[]): Promise<void> {
  const before = await world.authority();
  const run = await world.cli(...args);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringMatching(saying) });
  expect(run.stderr).toMatch(/next: /);
  expect(await world.authority()).toEqual(before);
}

test('an unknown cluster is a usage error that names the known ones', () =>
  refused(2, /no cluster 'beta' \(known: alpha\)/, 'switch', 'beta'));

test('an unknown node is a usage error that names the nodes', () =>
  refused(2, /no node 'db9' in alpha \(nodes: db1, db2, db3\)/, 'switch', cluster, '--to', 'db9'));

test('a switch to the node that is main already is refused', () =>
  refused(3, /db1 is already the main/, 'switch', cluster, '--to', 'db1'));

test('recover of a healthy backup is refused', () => refused(3, /db2 is a healthy backup/, 'recover', cluster, 'db2'));

test('recover of the main is refused', () => refused(3, /db1 is the main/, 'recover', cluster, 'db1'));

test('a failover of a healthy main is refused without --force', () =>
  refused(3, /db1 is healthy and renews the lease/, 'failover', cluster));

test('start of a cluster that has a main is refused', () => refused(3, /has a main: db1/, 'start', cluster));

test('resume of a cluster that is not paused is refused', () => refused(3, /./, 'resume', cluster));

test('maintenance without an end is a usage error', () =>
  refused(2, /./, 'policy', cluster, 'maintenance', '--reason', 'work'));

test('errors are JSON on demand and nothing else is on stdout', async () => {
  const { code, stdout } = await world.cli('switch', cluster, '--to', 'db1', '--json');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'AlreadyMain', message: expect.any(String), next: expect.any(String) },
  });
});

test('an execution that is started by hand with nonsense says every fault and touches nothing', async () => {
  const before = await world.authority();
  const sfn = new SFNClient(world.credentials);
  const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
  const machine = stateMachines?.find(({ name }) => name === 'mainstay-switchover');
  const input = JSON.stringify({ cluster: 7, to: ['db2'] });
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: machine?.stateMachineArn, input }),
  );
  let described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
  await world.until('the execution ends', async () => {
    described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return described.status !== 'RUNNING';
  });
  sfn.destroy();
  expect(described.status).toBe('FAILED');
  expect(await world.authority()).toEqual(before);
});

test('an execution that is started by hand needs nothing but the cluster', async () => {
  const { epoch } = await world.healthy();
  const sfn = new SFNClient(world.credentials);
  const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
  const machine = stateMachines?.find(({ name }) => name === 'mainstay-switchover');
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: machine?.stateMachineArn, input: '{"cluster":"alpha","to":"db2"}' }),
  );
  await world.until('it succeeds', async () => {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'SUCCEEDED';
  });
  sfn.destroy();
  expect(await world.lease()).toMatchObject({ holder: 'db2', epoch: epoch + 1, phase: 'held' });
  await world.must('switch', cluster, '--to', 'db1');
  await world.healthy();
});

test('an operation while another one runs is refused: which, by whom, since when', async () => {
  const first = world.cli('switch', cluster, '--to', 'db2', '--by', 'ann');
  await world.until('the first has begun', async () => (await world.lease()).operation !== null);
  const second = await world.cli('switch', cluster, '--to', 'db3');
  expect(second.code).toBe(3);
  expect(second.stderr).toMatch(/switchover alpha-switchover-\S+ by ann is running since \d{4}-/);
  expect((await first).code).toBe(0);
  await world.must('switch', cluster, '--to', 'db1');
  await world.healthy();
});

test('a forced failover of a healthy main still fences it first', async () => {
  const { epoch } = await world.healthy();
  await world.must('failover', cluster, '--force', '--reason', 'drill');
  const after = await world.lease();
  expect(after).toMatchObject({ epoch: epoch + 1, phase: 'held' });
  expect(after.fence?.node).toBe('db1');
  const journal = await world.journal();
  const at = (rule: string) => journal.findIndex((entry) => entry.rule === rule && entry.epoch === after.epoch);
  expect(at('fence')).toBeGreaterThan(-1);
  expect(at('grant')).toBeGreaterThan(at('fence'));
  await refused(3, /db1 cannot become main: it is shunned/, 'switch', cluster, '--to', 'db1');
  await world.recoverAll();
  await world.must('switch', cluster, '--to', 'db1');
  await world.healthy();
});

test('a switch to a node that is down is refused', async () => {
  await world.stack.order('pull-plug', 'db3');
  const before = await world.authority();
  const run = await world.cli('switch', cluster, '--to', 'db3');
  expect(run.code).toBe(3);
  expect(run.stderr).toMatch(/db3 cannot become main/);
  const { epoch, holder, phase, operation } = await world.authority();
  expect({ epoch, holder, phase, operation }).toEqual({
    epoch: before.epoch,
    holder: before.holder,
    phase: 'held',
    operation: null,
  });
  await world.stack.order('power-on', 'db3');
  await world.healthy();
});

test('pause and resume by an operator: nobody takes over in between', async () => {
  const { epoch } = await world.healthy();
  await world.must('pause', cluster);
  expect(await world.lease()).toMatchObject({ phase: 'paused', holder: 'db1', pausedBy: 'operator', epoch });
  await world.must('resume', cluster);
  expect(await world.lease()).toMatchObject({ phase: 'held', holder: 'db1', epoch: epoch + 1 });
  await world.healthy();
});

test('T8: an agent whose timings break the inequality refuses to start and says the arithmetic', async () => {
  const config = await world.settings().config(cluster);
  if (!config.ok || !config.value) throw new Error('no configuration');
  await world
    .settings()
    .putConfig({ ...config.value, name: 'gamma', timings: { ...config.value.timings, heartbeatMs: 1500 } });
  const run = await agent({ cluster: 'gamma', node: 'db1' });
  expect(run.code).toBe(1);
  expect(run.stderr).toContain('three renewals must fit into ttl - margin: 3 x 1500 <= 4000 - 1000');
});

test('an agent on a node that the cluster does not have refuses to start', async () => {
  const run = await agent({ cluster, node: 'db7' });
  expect(run.code).toBe(1);
  expect(run.stderr).toContain("cluster alpha has no node 'db7' (nodes: db1, db2, db3)");
});

/** The bundled agent with settings of its own, until it ends. */
async function agent(settings: { cluster: string; node: string }): Promise<{ code: number; stderr: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'mainstay-agent-'));
  const file = join(dir, 'agent.json');
  const engine = { dataDir: join(dir, 'data'), binDir: '/usr/bin', socketDir: dir, logDir: dir, evidenceDir: dir };
  writeFileSync(file, JSON.stringify({ ...settings, table: world.stack.facts.stackName, stateDir: dir, engine }));
  const program = join(world.stack.facts.dir, 'programs', 'mainstay-agent.js');
  const env = { ...process.env, ...world.stack.facts.environment };
  try {
    return await new Promise((resolve) => {
      execFile(process.execPath, [program, 'run', '--config', file], { env }, (error, _, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr }),
      );
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
