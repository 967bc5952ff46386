// One fault on a healthy cluster, with a client on each side: what was written where, and what is left of it afterwards.

import { setTimeout as delay } from 'node:timers/promises';
import type { Lease } from '../../core/model';
import { nodeFiles } from '../../local/layout';
import { machineMs } from '../../local/writer';
import { longestGapMs, lostOf, Writer, wrongSide } from '../../local/writers';
import { cluster, type World } from '../support/e2e';
import { type Fault, faults, type Struck } from './faults';

export interface Trial {
  fault: string;
  mode: string;
  outcome: 'replaced' | 'kept';
  /** Longest time between two acknowledgements, seen by the client at the VIP, in ms. */
  gapMs: number;
  twoMainsMs: number;
  /** Acknowledged by a node after another one had acknowledged as main. */
  wrongWrites: number;
  /** Acknowledged to anybody and not there at the end. */
  lostWrites: number;
  /** What the failover said of its loss; null when there was none. */
  reported: { atLeastBytes: number; beyondBytes: number } | null;
  acknowledged: number;
}

/** So many acknowledgements in a row make a client that is served. */
const SERVED = 20;
let trials = 0;

export async function ensureTable(world: World): Promise<void> {
  const { holder } = await world.healthy();
  await world.sql(
    holder ?? '',
    'CREATE TABLE IF NOT EXISTS writes (writer text, id bigint, at timestamptz DEFAULT now(), PRIMARY KEY (writer, id))',
  );
}

export async function runTrial(world: World, name: string, mode: string): Promise<Trial> {
  const fault = faults[name];
  if (!fault) throw new Error(`no fault '${name}' (faults: ${Object.keys(faults).join(', ')})`);
  const before = await settled(world, mode);
  const main = before.holder ?? '';
  const { facts } = world.stack;
  const struck = {
    stack: world.stack,
    main,
    backups: facts.nodes.map((node) => node.name).filter((each) => each !== main),
  };
  trials += 1;
  const { host, port } = world.stack.node(main);
  const outside = Writer.start({ name: `clients-${trials}`, hosts: [facts.vip] }, facts.places.clients);
  const beside = Writer.start(
    { name: `beside-${trials}`, hosts: [{ host, port }], answerMs: 0 },
    facts.places[`by-${main}`],
  );
  try {
    await served(world, outside);
    await served(world, beside);
    const sinceMs = machineMs();
    await suffer(world, fault, struck, before, outside, sinceMs);
    const after = await settled(world, mode);
    await served(world, outside);
    const untilMs = machineMs();
    await Promise.all([outside.stop(), beside.stop()]);
    const acks = [...outside.acks, ...beside.acks];
    const { writes, twoMainsMs } = wrongSide(acks, sinceMs, nodeFiles(world.stack.node(main).dir).data);
    return {
      ...{ fault: name, mode, outcome: after.holder === main ? 'kept' : 'replaced' },
      gapMs: Math.round(longestGapMs(outside.acks, sinceMs, untilMs)),
      twoMainsMs: Math.round(twoMainsMs),
      wrongWrites: writes,
      lostWrites: lostOf([outside, beside], await present(world, after.holder ?? '')),
      reported: await reportedLoss(world, before.epoch),
      acknowledged: acks.length,
    };
  } finally {
    await Promise.all([outside.stop(), beside.stop()]);
  }
}

async function suffer(
  world: World,
  fault: Fault,
  struck: Struck,
  before: Lease,
  outside: Writer,
  sinceMs: number,
): Promise<void> {
  await fault.strike(struck);
  try {
    if (fault.lasts === 'until replaced') {
      await replaced(world, struck.main, before.epoch);
      await served(world, outside);
    } else await delay(fault.lasts - (machineMs() - sinceMs) > 0 ? fault.lasts - (machineMs() - sinceMs) : 0);
  } finally {
    await fault.mend(struck);
  }
  if (fault.outcome === 'replaced') await replaced(world, struck.main, before.epoch);
}

const replaced = (world: World, main: string, epoch: number): Promise<void> =>
  world.until(`another main than ${main}`, async () => {
    const lease = await world.lease();
    return lease.epoch > epoch && lease.phase === 'held' && lease.operation === null;
  });

/** Everybody well again: whoever was shunned or has left the history is brought back as an operator would, with the CLI. */
export async function settled(world: World, mode: string): Promise<Lease> {
  await world.until(
    'the cluster is at rest',
    async () => {
      const lease = await world.lease();
      if (lease.phase !== 'held' || lease.operation !== null) return false;
      for (const { name } of world.stack.facts.nodes)
        if (!(await world.isPowered(name))) await world.stack.order('power-on', name);
      const reports = await world.reports();
      const astray = world.stack.facts.nodes.find(({ name }) => {
        const report = reports.find(({ node }) => node === name);
        const gone =
          report?.state === 'backup' && !report.engine.streaming && (report.engine.problem ?? report.because) !== '';
        return name !== lease.holder && (lease.shunned[name] !== undefined || gone);
      });
      if (astray !== undefined) await world.cli('recover', cluster, astray.name);
      return astray === undefined && (mode === 'async' || lease.synced.length > 0);
    },
    120_000,
  );
  return world.healthy();
}

const served = async (world: World, writer: Writer): Promise<void> => {
  const before = writer.acks.length;
  await world.until(
    `${writer.name} is served (${writer.failures.at(-1)?.message ?? 'no failure'})`,
    async () => writer.acks.length >= before + SERVED,
  );
};

async function present(world: World, main: string): Promise<Set<string>> {
  const rows = await world.sql(main, "SELECT writer || '/' || id AS key FROM writes");
  return new Set(rows.map(({ key }) => String(key)));
}

async function reportedLoss(world: World, epoch: number): Promise<Trial['reported']> {
  const chosen = (await world.journal()).findLast(
    ({ rule, details, epoch: at }) => rule === 'choose-after-fence' && details?.loss !== undefined && at > epoch,
  );
  return (chosen?.details?.loss as Trial['reported'] | undefined) ?? null;
}
