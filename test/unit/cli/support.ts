// A command line in the test's own process: memory adapters, virtual time, a fake of Step Functions, captured streams.
// Operations is scripted: what an execution would journal, and how it would end. Nothing leaves the process.

import { createMemoryBrake } from '../../../adapters/memory/brake';
import { createSequentialIds, createVirtualClock, type VirtualClock } from '../../../adapters/memory/clock';
import { createMemoryPower, type MemoryPower } from '../../../adapters/memory/power';
import { createMemoryStore, type MemoryStore } from '../../../adapters/memory/store';
import { createMemoryTasks, type MemoryTasks } from '../../../adapters/memory/tasks';
import { createMemoryAddresses, createMemoryVip } from '../../../adapters/memory/vip';
import { createScreen } from '../../../cli/output';
import { runCli, type World } from '../../../cli/program';
import type { Lease, OperationKind } from '../../../core/model';
import type { JournalEntry } from '../../../core/ports';
import { fail, ok } from '../../../core/result';
import type { Desk } from '../../../desk/desk';
import type { Execution, OperationInput, Operations } from '../../../desk/operations';
import { aConfig, aLease, aNode, anEntry, aReport, value } from '../../support/samples';
import { called } from '../../support/surface';
import { asksForHelp, type Given, keepsPromises, noting, verbIn } from './promised';

export interface Started {
  kind: OperationKind;
  name: string;
  input: OperationInput;
}

/** What the fake control plane does with an execution; resolves to its end. */
export type Script = (started: Started, desk: Desk) => Promise<Execution>;

export interface FakeOperations extends Operations {
  started: Started[];
  executions: Map<string, Execution>;
}

export interface Bench {
  desk: Desk;
  clock: VirtualClock;
  store: MemoryStore;
  tasks: MemoryTasks;
  power: MemoryPower;
  operations: FakeOperations;
  /** Runs `mainstay …` to its end in virtual time. */
  run(line: string, change?: Partial<World>): Promise<Ran>;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
  /** stdout as the one JSON document that it must be. */
  json: () => Record<string, unknown>;
}

const never: Script = () => new Promise(() => undefined);

function fakeOperations(desk: () => Desk, script: Script): FakeOperations {
  const started: Started[] = [];
  const executions = new Map<string, Execution>();
  return {
    started,
    executions,
    start: async (kind, name, input) => {
      const same = started.find((one) => one.name === name);
      if (same)
        return JSON.stringify(same.input) === JSON.stringify(input)
          ? ok(undefined)
          : fail({ code: 'Refused', message: 'ExecutionAlreadyExists', next: 'read what is there now' });
      started.push({ kind, name, input });
      executions.set(name, { status: 'RUNNING' });
      void script({ kind, name, input }, desk()).then((execution) => executions.set(name, execution));
      return ok(undefined);
    },
    describe: async (name) => ok(executions.get(name) ?? null),
  };
}

export function createBench(script: Script = never): Bench {
  const clock = createVirtualClock();
  const store = createMemoryStore();
  const operations = fakeOperations(() => desk, script);
  const { leases, reports, settings, waits, journal } = store;
  const tasks = createMemoryTasks({ clock });
  const vip = createMemoryVip(createMemoryAddresses({ allocationIds: ['eipalloc-alpha'] }), clock, leases);
  const power = createMemoryPower({ clock, instanceIds: ['i-db1', 'i-db2', 'i-db3'], stopMs: 2_000 });
  const ids = createSequentialIds();
  const desk: Desk = {
    leases,
    reports,
    settings,
    waits,
    tasks,
    journal,
    clock,
    ids,
    operations,
    vip,
    power,
    brake: createMemoryBrake(),
    alarms: { ringing: async () => ok([]) },
  };
  return { desk, clock, store, tasks, power, operations, run: (line, change) => ran(desk, clock, line, change) };
}

async function ran(desk: Desk, clock: VirtualClock, line: string, change: Partial<World> = {}): Promise<Ran> {
  const written = { out: '', err: '' };
  const given: Given[] = [];
  const world: World = {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    colour: false,
    openDesk: () => desk,
    openScreen: (...how) => noting(createScreen(...how), given),
    defaultStack: 'mainstay',
    where: 'http://127.0.0.1:4566',
    user: 'ann',
    version: '0.1.0',
    interrupted: () => false,
    ...change,
  };
  const args = words(line);
  const code = await clock.until(runCli(args, world));
  if (!asksForHelp(args)) called('cli', verbIn(args) ?? '', code);
  keepsPromises({ args, code, out: written.out, given });
  return { code, ...written, json: () => JSON.parse(written.out) };
}

/** Splits as a shell would, for plain words and double quotes. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

/** Cluster alpha at epoch 7: db1 is main, db2 (preferred) and db3 follow it. */
export async function healthy(bench: Bench): Promise<Bench> {
  const { desk } = bench;
  const nodes = [aNode('db1', { priority: 2 }), aNode('db2', { priority: 2 }), aNode('db3')];
  await desk.settings.putConfig(aConfig('alpha', { nodes, consumers: [] }));
  await desk.leases.swap(null, aLease('alpha', { epoch: 7, version: 40, renewals: 30 }));
  const seen = { epoch: 7, version: 40 };
  const at = desk.clock.wall();
  const base = aReport('alpha', 'db1').engine;
  await desk.reports.put(
    aReport('alpha', 'db1', {
      ...{ state: 'main', rule: 'R100', because: 'I hold the lease and renew it', deadman: 'armed', seen, at },
      engine: { ...base, writable: true, following: null, streaming: false },
    }),
  );
  await desk.reports.put(aReport('alpha', 'db2', { seen, at }));
  await desk.reports.put(
    aReport('alpha', 'db3', { seen, at, engine: { ...base, received: { timeline: 1, bytes: 50_330_000 } } }),
  );
  return bench;
}

/** Writes a step's entry as run-step would, after `ms` of virtual time. */
export async function journalStep(
  desk: Desk,
  started: Started,
  step: string,
  change: Partial<JournalEntry> & { ms?: number } = {},
): Promise<void> {
  await desk.clock.sleep(change.ms ?? 50);
  await desk.journal.append(
    anEntry(started.input.cluster, {
      at: desk.clock.wall(),
      actor: `step:${step}`,
      rule: step,
      epoch: 7,
      operation: started.name,
      because: `${step} is done`,
      ms: 50,
      ...change,
    }),
  );
}

/** A step's refusal, and the Fail state's cause as Step Functions tells it: JSON inside Lambda's JSON. */
export const failed = (family: string, code: string, message: string, next = 'mend it'): Execution => ({
  status: 'FAILED',
  error: `${family}.${code}`,
  cause: JSON.stringify({
    errorType: `${family}.${code}`,
    errorMessage: JSON.stringify({ family, code, message, next }),
    trace: [],
  }),
});

/** A port whose answers are all the same problem. */
export const unanswered = (error: string, code: 'Unreachable' | 'Broken' = 'Unreachable', message = error) => {
  const answer = async () =>
    fail({ code, message: `dynamodb:Query: ${message}`, next: 'try again', details: { error } });
  const ports = { clusters: answer, config: answer, clusterOf: answer, putConfig: answer, policy: answer };
  return { ...ports, putPolicy: answer, swapPolicy: answer };
};

export const leaseOf = async ({ desk }: Bench): Promise<Lease> => value(await desk.leases.read('alpha')) as Lease;

/** Writes the lease as somebody else would. */
export async function setLease({ desk }: { desk: Desk }, change: Partial<Lease>): Promise<void> {
  const was = value(await desk.leases.read('alpha')) as Lease;
  value(await desk.leases.swap(was, { ...was, ...change, version: was.version + 1, nonce: `test-${was.version}` }));
}

/** The role is at `to` now, and the others follow it. */
export async function moved(desk: Desk, to: string): Promise<void> {
  await setLease({ desk }, { holder: to, epoch: (value(await desk.leases.read('alpha'))?.epoch ?? 0) + 1 });
  const { epoch = 0, version = 0 } = value(await desk.leases.read('alpha')) ?? {};
  for (const report of value(await desk.reports.list('alpha'))) {
    const main = report.node === to;
    const engine = { ...report.engine, writable: main, following: main ? null : to, streaming: !main };
    const state = main ? 'main' : 'backup';
    const seq = report.seq + 1;
    const at = desk.clock.wall();
    await desk.reports.put({
      ...report,
      seq,
      state,
      engine,
      at,
      followed: epoch,
      deadman: 'armed',
      seen: { epoch, version },
    });
  }
}

/** A switchover that goes well, and during which nobody could write for so long, in ms. */
export const switches =
  (gapMs: number): Script =>
  async (started, desk) => {
    const from = value(await desk.leases.read('alpha'))?.holder;
    const { to = 'db2' } = started.input;
    await journalStep(desk, started, 'begin-switchover', { details: { by: 'ann', oldMain: from } });
    await journalStep(desk, started, 'choose-for-switchover', { details: { candidate: to } });
    await journalStep(desk, started, 'withdraw-vip');
    await journalStep(desk, started, 'promote', { ms: gapMs - 60 });
    await journalStep(desk, started, 'move-vip', { ms: 10 });
    await moved(desk, to);
    await journalStep(desk, started, 'end', { details: { outcome: 'done' } });
    return { status: 'SUCCEEDED', output: JSON.stringify({ oldMain: from, candidate: to, epoch: 8, epochBefore: 7 }) };
  };
