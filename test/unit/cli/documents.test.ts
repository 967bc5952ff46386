// Every command has a documented JSON for each occasion, and prints it; and what holds all other tests to these documents notices what
// is not in them.

import { type CommandDocuments, documents, errorDocument } from '../../../cli/documents';
import { createScreen } from '../../../cli/output';
import { createProgram } from '../../../cli/program';
import type { ClusterConfig, Lease } from '../../../core/model';
import { aConfig, anEntry, aReport, value } from '../../support/samples';
import { serving, takeOver, whenOff } from './failures';
import { keepsPromises, type Printed } from './promised';
import { type Bench, createBench, healthy, journalStep, type Ran, type Script, setLease } from './support';

const succeeds: Script = async (started, desk) => {
  await journalStep(desk, started, 'begin-switchover', { details: { by: 'ann', oldMain: 'db1' } });
  await journalStep(desk, started, 'withdraw-vip');
  await journalStep(desk, started, 'promote', { epoch: 8 });
  await journalStep(desk, started, 'move-vip', { epoch: 8 });
  await journalStep(desk, started, 'end', { epoch: 8, details: { outcome: 'done' } });
  return { status: 'SUCCEEDED', output: JSON.stringify({ oldMain: 'db1', candidate: 'db2', epoch: 8 }) };
};

const aBench = (): Promise<Bench> => healthy(createBench(succeeds));

/** After a failover to db2 that has shunned db1; db1 is not to be main again. */
async function failedOver(): Promise<Bench> {
  const bench = await aBench();
  const label = 'FAILED-OVER-TO-db2';
  await bench.run('policy alpha --no-promote db3 --reason "its disk is old"');
  const change: Partial<Lease> = { holder: 'db2', epoch: 8, hold: { reason: label, epoch: 8 } };
  const attempts = [{ operation: 'alpha-failover-1', at: bench.desk.clock.wall() }];
  await setLease(bench, { ...change, shunned: { db1: { label, epoch: 8 } }, attempts });
  return bench;
}

async function switched(): Promise<Bench> {
  const bench = await aBench();
  await bench.run('switch alpha');
  return bench;
}

async function configured(change: Partial<ClusterConfig>): Promise<Bench> {
  const bench = await aBench();
  const config = value(await bench.desk.settings.config('alpha'));
  if (config) value(await bench.desk.settings.putConfig({ ...config, ...change }));
  return bench;
}

const preferring = (prefer: string) => configured({ failback: { prefer, mode: 'manual', quietHours: null } });

async function secondPersonAsked(): Promise<{ bench: Bench; plan: string }> {
  const bench = await configured({ acceptLoss: 'second-person' });
  const asked = await bench.run('failover alpha --force --accept-loss --reason "db1 is on fire" --json');
  return { bench, plan: String(asked.json().plan) };
}

/** Stands for the agents: when the lease is in phase `from`, or is drained, it becomes `then`. */
async function converging(bench: Bench, line: string, from: Lease['phase'], then: Partial<Lease>): Promise<Ran> {
  void (async () => {
    for (let looks = 0; looks < 50; looks++) {
      const lease = value(await bench.desk.leases.read('alpha'));
      if (lease?.phase === from && (from === 'granted' || lease.drain !== null)) return setLease(bench, then);
      await bench.clock.sleep(50);
    }
  })();
  return bench.run(line);
}

async function unseated(): Promise<Bench> {
  const bench = createBench();
  await bench.desk.settings.putConfig(aConfig('alpha', { consumers: [] }));
  for (const node of ['db1', 'db2', 'db3'])
    await bench.desk.reports.put(aReport('alpha', node, { at: bench.desk.clock.wall() }));
  return bench;
}

async function paused(): Promise<Bench> {
  const bench = await aBench();
  await setLease(bench, { phase: 'paused', pausedBy: 'operator' });
  return bench;
}

async function claimed(): Promise<Bench> {
  const bench = await aBench();
  const since = '2026-01-01T00:00:00.000Z';
  const operation = { id: 'alpha-failover-1', kind: 'failover' as const, by: 'automatic', since };
  await setLease(bench, { phase: 'claimed', epoch: 8, holder: null, former: 'db1', operation });
  bench.operations.executions.set(operation.id, { status: 'RUNNING' });
  return bench;
}

async function braked(): Promise<Bench> {
  const bench = createBench();
  value(await bench.desk.brake.configure({ failovers: 2, percent: 50, windowMs: 600_000 }, 9));
  return bench;
}

async function watched(): Promise<Ran> {
  const bench = await aBench();
  let looks = 0;
  const interrupted = () => {
    if (++looks === 2) void bench.desk.journal.append(anEntry('alpha', { at: bench.desk.clock.wall() }));
    return looks > 5;
  };
  return bench.run('watch alpha --json', { interrupted });
}

const on = async (bench: Promise<Bench>, line: string): Promise<Ran> => (await bench).run(line);

/** A line for each occasion that cli/documents.ts names. */
const occasions: Record<string, Record<string, () => Promise<Ran>>> = {
  ls: { always: () => on(failedOver(), 'ls --json') },
  status: { always: () => on(switched(), 'status alpha --json') },
  explain: { always: () => on(switched(), 'explain alpha --json') },
  doctor: { always: () => on(aBench(), 'doctor --json') },
  switch: {
    'when it is over': () => on(aBench(), 'switch alpha --json'),
    'with --no-wait': () => on(aBench(), 'switch alpha --no-wait --json'),
    'with --dry-run': () => on(aBench(), 'switch alpha --dry-run --json'),
  },
  failover: {
    'when it is over': () => on(aBench(), 'failover alpha --force --json'),
    'with --no-wait': () => on(aBench(), 'failover alpha --force --no-wait --json'),
    'with --dry-run': () => on(aBench(), 'failover alpha --force --dry-run --json'),
    'with --accept-loss, where a second person has to agree': async () =>
      (await secondPersonAsked()).bench.run('failover alpha --force --accept-loss --reason "it burns" --json'),
  },
  failback: {
    'when it is over': () => on(preferring('db2'), 'failback alpha --json'),
    'with --no-wait': () => on(preferring('db2'), 'failback alpha --no-wait --json'),
  },
  'confirm-fenced': {
    always: () => on(claimed(), 'confirm-fenced alpha --node db1 --reason "it is scrapped" --yes --json'),
  },
  approve: {
    'when it is over': async () => {
      const { bench, plan } = await secondPersonAsked();
      return bench.run(`approve alpha ${plan} --json`, { user: 'bob' });
    },
    'with --no-wait': async () => {
      const { bench, plan } = await secondPersonAsked();
      return bench.run(`approve alpha ${plan} --no-wait --json`, { user: 'bob' });
    },
  },
  recover: {
    'when it is over': () => on(failedOver(), 'recover alpha db1 --json'),
    'with --no-wait': () => on(failedOver(), 'recover alpha db1 --no-wait --json'),
  },
  hold: {
    ls: () => on(failedOver(), 'hold ls --json'),
    clear: () => on(failedOver(), 'hold clear alpha --reason "all is entered again" --json'),
  },
  policy: { always: () => on(failedOver(), 'policy alpha --json') },
  brake: { always: () => on(braked(), 'brake release --reason "a zone is gone" --json') },
  drill: { always: () => on(aBench(), 'drill alpha --stay --rto 10s --json') },
  fail: {
    'of the main': async () => {
      const bench = await aBench();
      void whenOff(bench, 'db1', () => takeOver(bench, 4300));
      return bench.run('fail alpha db1 --reason "first Tuesday" --yes --json');
    },
    'of a backup': async () => {
      const bench = await aBench();
      void serving(bench);
      return bench.run('fail alpha db2 --reason "first Tuesday" --yes --json');
    },
    'with --dry-run': () => on(aBench(), 'fail alpha db1 --dry-run --json'),
  },
  history: { always: () => on(switched(), 'history alpha --json') },
  report: { always: () => on(switched(), 'report alpha --json') },
  watch: { 'one line for each entry': watched },
  start: { always: async () => converging(await unseated(), 'start alpha --json', 'granted', { phase: 'held' }) },
  pause: {
    always: async () =>
      converging(await aBench(), 'pause alpha --json', 'held', { phase: 'paused', drain: null, pausedBy: 'operator' }),
  },
  resume: { always: async () => converging(await paused(), 'resume alpha --json', 'granted', { phase: 'held' }) },
  completion: { always: () => on(aBench(), 'completion zsh --json') },
};

const rows = Object.entries(documents).flatMap(([verb, { json }]) => Object.keys(json).map((when) => [verb, when]));

test('every command of the program has documents, and no other has', () => {
  const streams = { out: () => undefined, err: () => undefined, colour: false };
  const unused = { openDesk: () => createBench().desk, defaultStack: '', where: '', user: '', version: '' };
  const world = { ...streams, ...unused, openScreen: createScreen, interrupted: () => false };
  const { commands } = createProgram(world, async () => undefined);
  expect(Object.keys(documents).sort()).toEqual(commands.map((command) => command.name()).sort());
});

test.each(rows)('%s prints its document: %s', async (verb = '', when = '') => {
  const ran = await occasions[verb]?.[when]?.();
  expect(ran?.err).toBe('');
  const { json = {}, stream }: Partial<CommandDocuments> = documents[verb] ?? {};
  const texts = stream ? (ran?.out ?? '').split('\n').filter(Boolean) : [ran?.out ?? ''];
  expect(texts).not.toEqual([]);
  for (const text of texts) expect(json[when]?.safeParse(JSON.parse(text)).error).toBeUndefined();
});

test('an error after the lines of a stream is a line, too', async () => {
  const ran = await (await aBench()).run('watch beta --json');
  expect(ran.code).toBe(2);
  expect(
    ran.out
      .split('\n')
      .filter(Boolean)
      .map((line) => errorDocument.parse(JSON.parse(line)).error.code),
  ).toEqual(['UnknownCluster']);
});

describe('what holds every test to the documents', () => {
  const script = { shell: 'zsh', script: '' };
  const good: Printed = {
    ...{ args: ['completion', 'zsh', '--json'], code: 0, out: JSON.stringify(script) },
    given: [{ as: 'document', value: script }],
  };
  const problem = { error: { code: 'Usage', message: 'a', next: 'b' } };

  test('passes what is documented', () => {
    keepsPromises(good);
    keepsPromises({ ...good, code: 2, given: [], out: JSON.stringify(problem) });
  });

  test.each<[string, Partial<Printed>]>([
    ['a field that is not documented', { given: [{ as: 'document', value: { ...script, more: 1 } }] }],
    ['the same on stdout only', { out: JSON.stringify({ ...script, more: 1 }) }],
    ['a field that is missing', { given: [{ as: 'document', value: { shell: 'zsh' } }] }],
    ['no document', { given: [] }],
    ['two documents', { given: [...good.given, ...good.given] }],
    ['a stream that is none', { given: [{ as: 'entry', value: script }] }],
    ['an exit code that is not documented', { code: 3, out: JSON.stringify(problem) }],
    ['an error document though all went well', { out: JSON.stringify(problem) }],
    ['an error code that nobody knows', { code: 2, out: JSON.stringify({ error: { ...problem.error, code: 'Odd' } }) }],
    ['text where JSON was asked for', { out: 'done\n' }],
    ['a command without documents', { args: ['frobnicate'], given: good.given }],
  ])('refuses %s', (_, change) => expect(() => keepsPromises({ ...good, ...change })).toThrow());
});
