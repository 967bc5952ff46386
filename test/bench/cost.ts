// `npm run cost`: counts what a control plane and a cluster of three ask of AWS, at rest and for a move of the main role, on the
// emulated account with real agents (test/account), and prints it. `--write` also keeps the counts in docs/cost-counted.json, of which
// `npm run docs` makes docs/cost.md. Counts only: what it costs is docs/cost-text.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { isTogether } from '../../core/plan';
import type { Counted, MoveCount, Requests } from '../../docs/cost-counts';
import { costText } from '../../docs/cost-text';
import { functionNames } from '../../infra/bundle';
import { neededInAMoment, plans } from '../../workflows/plans';
import { Account, clusterOf, stackName } from '../account/account';
import { type Asked, FaultyWire } from '../support/faulty-wire';
import { billed } from './request-units';

interface Seen {
  what: string;
  readUnits: number;
  writeUnits: number;
}

/** Everything that goes over a wire, in units that are billed. */
class Tap {
  seen: Seen[] = [];
  private readonly wires: FaultyWire[] = [];

  async listen(endpoint: string): Promise<string> {
    const wire = await FaultyWire.listen(endpoint);
    wire.onPass = (asked, body, answer) => void this.seen.push(seenIn(asked, body, answer));
    this.wires.push(wire);
    return wire.endpoint;
  }

  take(): Seen[] {
    return this.seen.splice(0);
  }

  close(): void {
    for (const wire of this.wires) wire.close();
  }
}

function seenIn({ service, action }: Asked, body: Buffer, answer: Buffer): Seen {
  if (service !== 'dynamodb') return { what: `${service} ${action}`, readUnits: 0, writeUnits: 0 };
  const { what, readUnits, writeUnits } = billed(action, JSON.parse(body.toString()), JSON.parse(answer.toString()));
  return { what: `dynamodb ${what.trim()}`, readUnits, writeUnits };
}

function sum(seen: readonly Seen[], perMinute = 1): Requests {
  const calls: Record<string, number> = {};
  for (const { what } of seen) calls[what] = (calls[what] ?? 0) + 1;
  const total = (pick: (each: Seen) => number) => round(seen.reduce((all, each) => all + pick(each), 0) * perMinute);
  return {
    calls: Object.fromEntries(
      Object.entries(calls)
        .sort()
        .map(([what, count]) => [what, round(count * perMinute)]),
    ),
    readUnits: total(({ readUnits }) => readUnits),
    writeUnits: total(({ writeUnits }) => writeUnits),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;
const watchS = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 60);
const nodes = ['db1', 'db2', 'db3'];
const taps = { lambda: new Tap(), db1: new Tap(), db2: new Tap(), db3: new Tap() };
const byNode = taps as Record<string, Tap>;

async function environment(endpoint: string, front: string): Promise<Record<string, string>> {
  const [direct, fronted] = await Promise.all([taps.lambda.listen(endpoint), taps.lambda.listen(front)]);
  const services = ['DYNAMODB', 'SFN', 'EVENTBRIDGE', 'CLOUDWATCH', 'ROUTE_53'];
  const through = Object.fromEntries(services.map((name) => [`AWS_ENDPOINT_URL_${name}`, direct]));
  return { ...through, AWS_ENDPOINT_URL_EC2: fronted, AWS_ENDPOINT_URL_SSM: fronted };
}

async function lambdaTotals(account: Account): Promise<{ invocations: number; ms: number }> {
  const names = functionNames();
  const of = async (metric: 'Invocations' | 'Duration') =>
    (await Promise.all(names.map((name) => account.metric(name, metric)))).reduce((all, each) => all + each, 0);
  return { invocations: await of('Invocations'), ms: await of('Duration') };
}

/** What one move asks for, agents included, from the order to rest. */
async function countMove(
  account: Account,
  kind: 'switchover' | 'failover',
  move: () => Promise<void>,
): Promise<MoveCount> {
  const known = new Set((await account.executions(kind)).map(({ name }) => name));
  const before = await lambdaTotals(account);
  for (const tap of Object.values(taps)) tap.take();
  await move();
  await account.healthy('alpha');
  const after = await lambdaTotals(account);
  const name = (await account.executions(kind)).find((execution) => !known.has(execution.name))?.name ?? '';
  await account.ended(kind, name);
  return {
    transitions: statesOf(kind),
    invocations: after.invocations - before.invocations,
    lambdaMs: Math.round(after.ms - before.ms),
    controlPlane: sum(taps.lambda.take()),
    agents: sum(nodes.flatMap((node) => byNode[node]?.take() ?? [])),
  };
}

/** States that are entered when nothing goes wrong; of a Parallel state itself and each of its branches. */
const statesOf = (kind: 'switchover' | 'failover'): number =>
  plans[kind].entries.reduce((sum, entry) => sum + 1 + (isTogether(entry) ? entry.together.length : 0), 0);

/** Minutes between two starts of a function by its rule. */
async function everyMinutes(account: Account, name: string): Promise<number> {
  const { Rules = [] } = await account.events.send(new ListRulesCommand({}));
  for (const { Name, ScheduleExpression = '' } of Rules) {
    const [, every, unit = 'minute'] = /rate\((\d+) (minute|hour|day)/.exec(ScheduleExpression) ?? [];
    if (every === undefined) continue;
    const { Targets = [] } = await account.events.send(new ListTargetsByRuleCommand({ Rule: Name }));
    if (Targets.some(({ Arn }) => Arn?.endsWith(`:${stackName}-${name}`)))
      return Number(every) * { minute: 1, hour: 60, day: 1440 }[unit as 'minute'];
  }
  throw new Error(`no rule with a schedule starts ${name}`);
}

/** One run of each over one cluster; the first run of each opens its connections and is not counted. */
async function countClocks(account: Account): Promise<Counted['clocks']> {
  const counted = {} as Counted['clocks'];
  for (const name of ['sweep', 'heartbeats', 'rounds'] as const) {
    await account.invoke(name, { 'detail-type': 'Scheduled Event', detail: {} });
    taps.lambda.take();
    const before = await account.metric(name, 'Duration');
    await account.invoke(name, { 'detail-type': 'Scheduled Event', detail: {} });
    const ms = Math.round((await account.metric(name, 'Duration')) - before);
    counted[name] = { everyMinutes: await everyMinutes(account, name), ...sum(taps.lambda.take()), ms };
  }
  return counted;
}

const kindsIn = (assemblyDir: string): Record<string, number> => {
  const template = JSON.parse(readFileSync(join(assemblyDir, `${stackName}.template.json`), 'utf8'));
  const found: Record<string, number> = {};
  for (const { Type } of Object.values(template.Resources as Record<string, { Type: string }>))
    found[Type] = (found[Type] ?? 0) + 1;
  return found;
};

async function count(account: Account): Promise<Counted> {
  const [rented, other] = [await account.rent(3), await account.rent(3)];
  const alpha = clusterOf('alpha', rented);
  const one = await account.synthesize([alpha]);
  const two = kindsIn(await account.synthesize([alpha, clusterOf('beta', other)]));
  await account.deploy(one);
  const crew = account.man(alpha);
  await account.until('reports of all', async () => (await account.cli('switch', 'alpha', '--dry-run')).code !== 5);
  await account.must('start', 'alpha', '--node', 'db1');
  await account.healthy('alpha');
  // Twice round, so that every function has been started before anything is counted.
  await account.must('switch', 'alpha', '--to', 'db2');
  await account.must('switch', 'alpha', '--to', 'db1');
  await account.healthy('alpha');
  await delay(3_000);
  for (const tap of Object.values(taps)) tap.take();
  await delay(watchS * 1000);
  const perMinute = 60 / watchS;
  const rest = {
    main: sum(taps.db1.take(), perMinute),
    backup: sum([...taps.db2.take(), ...taps.db3.take()], perMinute / 2),
  };
  const clocks = await countClocks(account);
  const switchover = await countMove(account, 'switchover', () => account.must('switch', 'alpha', '--to', 'db2'));
  const failover = await countMove(account, 'failover', async () => {
    const { epoch, holder } = await account.lease('alpha');
    await account.pullPlug(crew.machine(holder).config.instanceId);
    await account.until('a failover', async () => (await account.lease('alpha')).epoch > epoch);
  });
  const single = kindsIn(one);
  const of = (type: string) => ({
    fixed: 2 * (single[type] ?? 0) - (two[type] ?? 0),
    perCluster: (two[type] ?? 0) - (single[type] ?? 0),
  });
  return {
    watchedS: watchS,
    rest,
    clocks,
    woken: neededInAMoment.length,
    switchover,
    failover,
    alarms: of('AWS::CloudWatch::Alarm'),
    dashboards: of('AWS::CloudWatch::Dashboard'),
  };
}

async function main(): Promise<void> {
  const account = await Account.open({
    environment,
    agentClient: (endpoint, node) => ({ endpoint: agentEndpoints[node] ?? endpoint }),
    beforeOpen: async (endpoint) => {
      for (const node of nodes) agentEndpoints[node] = (await byNode[node]?.listen(endpoint)) ?? endpoint;
    },
  });
  try {
    const counted = await count(account);
    if (process.argv.includes('--write'))
      writeFileSync(join(__dirname, '../../docs/cost-counted.json'), `${JSON.stringify(counted, null, 2)}\n`);
    process.stdout.write(`${costText(counted)}\n`);
  } finally {
    for (const tap of Object.values(taps)) tap.close();
    await account.close();
  }
}

const agentEndpoints: Record<string, string> = {};

main().then(
  () => process.exit(0),
  (error: Error) => {
    process.stderr.write(`cost: ${error.message}\n`);
    process.exit(1);
  },
);
