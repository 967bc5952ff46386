// docs/cost.md: a month's price from counted requests and the price table, with the arithmetic. Pure: the same counts and prices give
// the same text, so a test can hold the page against them. Must never round before it adds, and never leave a free tier in.

import type { ClockName, Counted, MoveCount } from './cost-counts';
import { type PriceName, prices, pricesAsOf } from './cost-prices';

const minutesPerMonth = 43_800;
const hoursPerMonth = 730;
const gbOfLambda = 0.5;
/** What Lambda writes of its own accord for one start: START, END, REPORT, and our one line. A guess on the high side. */
const logBytesPerStart = 800;
/** Of a start that only keeps a function warm, in ms: one read of the store. A guess on the high side. */
const warmMs = 25;
/** Share of provisioned capacity that may be used without throttling at the peaks. */
const utilisation = 0.7;
/** An index item of the list of clusters, in bytes. */
const listedBytes = 64;
/** StepMs, and StepDone or StepStopped, for each step: billed for the hour in which they are sent. */
const metricsPerStep = 2;
const fleets = [1, 10, 1_000];
const clockNames: readonly ClockName[] = ['sweep', 'heartbeats', 'rounds'];

const price = (name: PriceName): number => prices[name].dollars;
const backups = 2;

/** Per minute, of one cluster's agents. */
const agentUnits = ({ rest }: Counted) => ({
  reads: rest.main.readUnits + backups * rest.backup.readUnits,
  writes: rest.main.writeUnits + backups * rest.backup.writeUnits,
});

/** Starts by a schedule in a month. */
const startsOf = ({ clocks }: Counted, name: ClockName): number => minutesPerMonth / clocks[name].everyMinutes;
/** And the one that starts them. */
const wokenStarts = (counted: Counted): number => (1 + counted.woken) * startsOf(counted, 'rounds');
const allStarts = (counted: Counted): number =>
  clockNames.reduce((sum, name) => sum + startsOf(counted, name), wokenStarts(counted));

interface Item {
  what: string;
  how: string;
  /** A month, for so many clusters. */
  dollars: (clusters: number) => number;
}

const often = (minutes: number): string => (minutes === 1 ? 'a minute' : `every ${minutes} minutes`);

/** Reads and Lambda of what goes through all clusters. */
function itemsOfClock(counted: Counted, name: ClockName): Item[] {
  const { everyMinutes, readUnits, ms } = counted.clocks[name];
  const starts = startsOf(counted, name);
  const reads = readUnits - 1;
  const listReads = (clusters: number) => Math.max(1, Math.ceil((clusters * listedBytes) / 4096));
  return [
    {
      what: `${name}: reads`,
      how: `${reads} read units per cluster ${often(everyMinutes)}, and the list`,
      dollars: (n) => starts * (n * reads + listReads(n)) * price('readUnit'),
    },
    {
      what: `${name}: Lambda`,
      how: `one start ${often(everyMinutes)}, ${ms} ms per cluster, ${gbOfLambda} GB`,
      dollars: (n) => starts * (price('lambdaRequest') + ((n * ms) / 1000) * gbOfLambda * price('lambdaGbSecond')),
    },
  ];
}

function itemsAtRest(counted: Counted): Item[] {
  const { reads, writes } = agentUnits(counted);
  const { woken, clocks } = counted;
  return [
    {
      what: 'agents: renewals and reports',
      how: `${writes} write units a minute`,
      dollars: (n) => n * writes * minutesPerMonth * price('writeUnit'),
    },
    {
      what: 'agents: reads of the lease',
      how: `${reads} read units a minute, consistent`,
      dollars: (n) => n * reads * minutesPerMonth * price('readUnit'),
    },
    ...clockNames.flatMap((name) => itemsOfClock(counted, name)),
    {
      what: 'keeping functions warm: Lambda and reads',
      how: `${woken} functions ${often(clocks.rounds.everyMinutes)}, ${warmMs} ms and one read unit each`,
      dollars: () =>
        wokenStarts(counted) *
        (price('lambdaRequest') + (warmMs / 1000) * gbOfLambda * price('lambdaGbSecond') + price('readUnit')),
    },
    {
      what: 'X-Ray',
      how: 'a trace per start by a schedule, at most',
      dollars: () => allStarts(counted) * price('trace'),
    },
    {
      what: 'logs',
      how: `${logBytesPerStart} bytes a start`,
      dollars: () => (allStarts(counted) * logBytesPerStart * price('logGb')) / 1e9,
    },
    {
      what: 'alarms',
      how: `${counted.alarms.fixed} and ${counted.alarms.perCluster} per cluster`,
      dollars: (n) => (counted.alarms.fixed + n * counted.alarms.perCluster) * price('alarmMonth'),
    },
    {
      what: 'metrics',
      how: 'one for all clusters, and one per cluster',
      dollars: (n) => (1 + n) * price('metricMonth'),
    },
    {
      what: 'dashboards',
      how: `${counted.dashboards.fixed} and ${counted.dashboards.perCluster} per cluster`,
      dollars: (n) => (counted.dashboards.fixed + n * counted.dashboards.perCluster) * price('dashboardMonth'),
    },
    {
      what: 'the VIP: an Elastic IP address',
      how: 'one public IPv4 address per cluster; a record in Route 53 costs nothing, its zone 0.50',
      dollars: (n) => n * hoursPerMonth * price('publicAddressHour'),
    },
  ];
}

const total = (items: readonly Item[], clusters: number): number =>
  items.reduce((sum, { dollars }) => sum + dollars(clusters), 0);

/** What the agents' units cost as provisioned capacity instead, a month. */
function provisioned(counted: Counted, clusters: number): number {
  const { reads, writes } = agentUnits(counted);
  const units = (perMinute: number) => Math.max(1, Math.ceil((clusters * perMinute) / 60 / utilisation));
  return hoursPerMonth * (units(writes) * price('writeCapacityHour') + units(reads) * price('readCapacityHour'));
}

function itemsOfMove(move: MoveCount): [string, string, number][] {
  const events = move.controlPlane.calls['events PutEvents'] ?? 0;
  const agentEvents = move.agents.calls['events PutEvents'] ?? 0;
  const reads = move.controlPlane.readUnits + move.agents.readUnits;
  const writes = move.controlPlane.writeUnits + move.agents.writeUnits;
  return [
    ['Step Functions', `${move.transitions} transitions`, move.transitions * price('transition')],
    [
      'Lambda',
      `${move.invocations} starts, ${move.lambdaMs} ms, ${gbOfLambda} GB`,
      move.invocations * price('lambdaRequest') + (move.lambdaMs / 1000) * gbOfLambda * price('lambdaGbSecond'),
    ],
    ['DynamoDB', `${reads} read and ${writes} write units`, reads * price('readUnit') + writes * price('writeUnit')],
    ['EventBridge', `${events + agentEvents} events of our own`, (events + agentEvents) * price('customEvent')],
    ['X-Ray', `${move.invocations} traces, at most`, move.invocations * price('trace')],
    [
      'metrics',
      `${metricsPerStep} per step for an hour`,
      (metricsPerStep * move.transitions * price('metricMonth')) / hoursPerMonth,
    ],
    ['logs', `${logBytesPerStart} bytes a start`, (move.invocations * logBytesPerStart * price('logGb')) / 1e9],
    ['SSM, EC2', 'commands and calls cost nothing', 0],
  ];
}

// ---- as a page

const money = (dollars: number): string =>
  dollars >= 100
    ? Math.round(dollars).toLocaleString('en-US')
    : dollars === 0
      ? '0'
      : dollars < 0.01
        ? dollars.toFixed(5)
        : dollars.toFixed(2);
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [row(head), row(head.map((_, index) => (index === 0 ? '---' : '---'))), ...rows.map(row)].join('\n');

function requestsTable(counted: Counted): string {
  const { rest, clocks } = counted;
  const kinds = [...new Set([...Object.keys(rest.main.calls), ...Object.keys(rest.backup.calls)])].sort();
  const perCluster = (what: string) => (rest.main.calls[what] ?? 0) + backups * (rest.backup.calls[what] ?? 0);
  const rounded = (value: number) => Math.round(10 * value) / 10;
  return table(
    ['request', 'main', 'each backup', 'by the clock', 'cluster of three'],
    [
      ...kinds.map((what) => [
        what,
        rest.main.calls[what] ?? 0,
        rest.backup.calls[what] ?? 0,
        '',
        rounded(perCluster(what)),
      ]),
      ...clockNames.flatMap((name) =>
        Object.entries(clocks[name].calls).map(([what, count]) => {
          const aMinute = rounded(count / clocks[name].everyMinutes);
          return [`${what} (${name})`, '', '', aMinute, aMinute];
        }),
      ),
    ],
  );
}

const etcdSet = (): number => 3 * (hoursPerMonth * price('etcdNodeHour') + price('etcdDiskMonth'));

const withoutAddress = (items: readonly Item[], clusters: number): number =>
  total(items, clusters) - clusters * hoursPerMonth * price('publicAddressHour');

/** From this many clusters on one shared set of etcd nodes costs less, with the agents on provisioned capacity. */
function crossing(counted: Counted, items: readonly Item[]): number {
  const costs = (n: number) => withoutAddress(items, n) - n * agentsOnDemand(counted) + provisioned(counted, n);
  let clusters = 1;
  while (costs(clusters) < etcdSet()) clusters += 1;
  return clusters;
}

function comparison(counted: Counted, items: readonly Item[]): string {
  const onDemand = (n: number) => n * agentsOnDemand(counted);
  const withProvisioned = (n: number) => total(items, n) - onDemand(n) + provisioned(counted, n);
  const each: [string, (n: number) => number][] = [
    ['Mainstay, everything above', (n) => total(items, n)],
    ['Mainstay, agents on provisioned capacity', withProvisioned],
    ['Mainstay, without the address', (n) => withoutAddress(items, n)],
    ['three etcd nodes for each cluster (Patroni)', (n) => n * etcdSet()],
    ['three etcd nodes for all of them', () => etcdSet()],
    ['RDS: the Multi-AZ surcharge for one db.r6g.large each', (n) => n * hoursPerMonth * price('rdsStandbyHour')],
  ];
  return table(
    ['a month, US dollars', ...fleets.map(String)],
    each.map(([what, of]) => [what, ...fleets.map((n) => money(of(n)))]),
  );
}

function agentsOnDemand(counted: Counted): number {
  const { reads, writes } = agentUnits(counted);
  return minutesPerMonth * (reads * price('readUnit') + writes * price('writeUnit'));
}

function movePart(name: string, move: MoveCount): string {
  const items = itemsOfMove(move);
  const sum = items.reduce((all, [, , dollars]) => all + dollars, 0);
  return table(
    [`one ${name}`, 'counted', 'US dollars'],
    [...items.map(([what, how, dollars]) => [what, how, money(dollars)]), ['**sum**', '', `**${money(sum)}**`]],
  );
}

const sureness = { AWS: "AWS's page", others: 'as others quote it', memory: 'unconfirmed' } as const;

export function costText(counted: Counted): string {
  const items = itemsAtRest(counted);
  return [
    '# Cost',
    '',
    `What a month costs in us-east-1, from counted requests. \`npm run cost -- --write\` counts them (${counted.watchedS} s at rest, then one switchover`,
    'and one failover, on the emulated account with real agents, three nodes, default timings) into [cost-counted.json](cost-counted.json);',
    '`npm run docs` makes this page of the counts and of the prices in [cost-prices.ts](cost-prices.ts); a test holds the three together.',
    'A month has 730 hours. Free tiers are left out, and so are the nodes themselves, their disks and their traffic.',
    '',
    '## Requests at rest, a minute',
    '',
    requestsTable(counted),
    '',
    '## A month at rest',
    '',
    table(
      ['item', 'counted', ...fleets.map((n) => `${n} cluster${n === 1 ? '' : 's'}`)],
      [
        ...items.map(({ what, how, dollars }) => [what, how, ...fleets.map((n) => money(dollars(n)))]),
        ['**sum**', '', ...fleets.map((n) => `**${money(total(items, n))}**`)],
      ],
    ),
    '',
    '## A move of the main role',
    '',
    movePart('switchover', counted.switchover),
    '',
    movePart('failover', counted.failover),
    '',
    '## Beside the others',
    '',
    comparison(counted, items),
    '',
    `One set of etcd nodes can serve many clusters: then it costs less from ${crossing(counted, items)} clusters on, and is a system of its own to run, patch and`,
    'watch. RDS is dearer because its standby is a whole second database; here the backups are nodes that you pay for anyway.',
    '',
    '## What stands out',
    '',
    ...notes(counted, items),
    '',
    '## Prices',
    '',
    `As of ${pricesAsOf}. "Unconfirmed" is from memory: look it up before you rely on it.`,
    '',
    table(
      ['unit', 'US dollars', 'source', 'seen'],
      Object.values(prices).map(({ per, dollars, source, seen }) => [per, plain(dollars), source, sureness[seen]]),
    ),
    '',
  ].join('\n');
}

const plain = (dollars: number): string =>
  dollars < 0.001 ? `${Number((dollars * 1e6).toPrecision(6))} per million` : String(dollars);

function notes(counted: Counted, items: readonly Item[]): string[] {
  const of = (word: string, n: number) =>
    money(items.filter(({ what }) => what.includes(word)).reduce((sum, { dollars }) => sum + dollars(n), 0));
  const all = allStarts(counted);
  return [
    `- **The heartbeat is what a cluster costs**: ${money(agentsOnDemand(counted))} a month on demand, ${money(provisioned(counted, 1_000) / 1_000)} each`,
    `  for 1,000 clusters on provisioned capacity at ${100 * utilisation} %. A fleet should provision: the load is flat.`,
    `- **Keeping functions warm** is ${Math.round(all).toLocaleString('en-US')} starts a month, whatever the number of clusters: ${of('warm', 1)} for Lambda and reads.`,
    `  Tracing the same starts can cost ${of('X-Ray', 1)}, more than the starts themselves; a sampling rule in X-Ray ends that.`,
    `- **An Elastic IP address** is ${of('address', 1)} a month each: for one cluster about as much as everything else together. A record in Route 53 is not billed.`,
    '- **The table is encrypted with the key that AWS manages for DynamoDB**: KMS bills the calls that DynamoDB makes for it, every few minutes',
    '  for each caller. That is not counted above, because only a real account shows it; with the key that DynamoDB owns it is nothing.',
    '- **Journal entries are kept for ever**: some 20 items under 1 KB for each move; 0.25 a GB and month.',
  ];
}
