// The five faults as data, and the one runner for all of them and for every system: two clients write, the fault comes, the clients
// find the new main, the fault goes, the old main is seen to have given up. What is told is what the clients were told.

import { setTimeout as delay } from 'node:timers/promises';
import { between } from '../../../local/network';
import { signalAll } from '../../../local/processes';
import { machineMs, table } from '../../../local/writer';
import { longestGapMs, lostOf, Writer, wrongSide } from '../../../local/writers';
import { type NodeName, nodeNames, type Preset, places, type SystemUnderTest, until } from './system';

export interface Fault {
  /** Head of its table. */
  title: string;
  strike(system: SystemUnderTest, main: NodeName): Promise<void> | void;
  /** How long the fault is, in ms, when that does not depend on the system. */
  lengthMs?: number;
  heal?(system: SystemUnderTest, main: NodeName): Promise<void> | void;
  /** Whether the main stays the main when the system so decides. */
  mayStay?: boolean;
}

const otherThan = (main: NodeName): NodeName => nodeNames.find((node) => node !== main) ?? main;
const everybody = Object.keys(places) as (keyof typeof places)[];

export const scenarios = {
  switchover: {
    title: 'planned switchover',
    strike: (system, main) => system.switchover(otherThan(main)),
  },
  engine: {
    title: 'kill -9 of the engine',
    strike: (system, main) => signalAll([system.enginePid(main)], 'SIGKILL'),
    mayStay: true,
  },
  kill: {
    title: 'kill -9 of everything on the main',
    strike: (system, main) => system.powerOff(main),
  },
  cut: {
    title: 'main cut off, one client with it',
    strike(system, main) {
      const here = [main, 'beside'];
      const there = everybody.filter((place) => !here.includes(place));
      return system.cut(between(here, there));
    },
    heal: (system) => system.cut([]),
  },
  freeze: {
    title: 'main frozen for 60 s',
    strike: (system, main) => freeze(system, main),
    lengthMs: 60_000,
    mayStay: true,
    heal: (system, main) => signalAll(system.pids(main), 'SIGCONT'),
  },
} satisfies Record<string, Fault>;

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];

/** Again until nothing has forked away meanwhile. */
function freeze(system: SystemUnderTest, main: NodeName): void {
  for (let [known, now] = [-1, 0]; now !== known; ) {
    const pids = system.pids(main);
    signalAll(pids, 'SIGSTOP');
    [known, now] = [now, pids.length];
  }
}

export interface Outcome {
  gapMs: number;
  twoMainsMs: number;
  wrongWrites: number;
  lostWrites: number;
  acknowledgedWrites: number;
  /** Both clients wrote to one and the same node within `settleMs` after the fault had gone. */
  settled: boolean;
  newMain: NodeName | null;
}

export interface Measured {
  system: string;
  preset: Preset;
  scenario: ScenarioName;
  run: number;
  /** Why there is none. */
  failure: string | null;
  outcome: Outcome | null;
}

/** Acknowledgements in a row that make a client one that can write again. */
const enough = 25;
/** Longer than any system's own times added up. */
const serveMs = 180_000;
const settleMs = 60_000;

/** On a system that is up and at ease; it is spent afterwards. */
export async function strike(system: SystemUnderTest, name: ScenarioName): Promise<Outcome> {
  const fault: Fault = scenarios[name];
  const main = await system.main();
  if (main === null) throw new Error(`${system.name} has no main to strike`);
  await system.query(main, `CREATE TABLE ${table} (writer text, id bigint)`);
  const clients = Writer.start({ name: 'clients', hosts: system.hosts() }, system.at('clients'));
  const beside = Writer.start({ name: 'beside', hosts: system.hosts(), answerMs: 0 }, system.at('beside'));
  try {
    await until('both clients write', () => [clients, beside].every(({ acks }) => acks.length >= enough));
    const oldDir = system.dataDirOf(main);
    const moved = (): boolean => fault.mayStay === true || clients.acks.slice(-enough).every(({ on }) => on !== oldDir);
    const struckAtMs = machineMs();
    const struck = Promise.resolve(fault.strike(system, main));
    // An order that the system refuses ends the wait for what would have come of it.
    const refused = struck.then(() => new Promise<never>(() => undefined));
    refused.catch(() => undefined);
    if (fault.lengthMs) await delay(fault.lengthMs);
    else
      await Promise.race([
        refused,
        until('clients write again', () => steadySince(clients, struckAtMs) && moved(), serveMs),
      ]);
    await struck;
    await fault.heal?.(system, main);
    const healedAtMs = machineMs();
    const agreed = (): boolean => steadySince(clients, struckAtMs) && onOneMain(clients, beside, healedAtMs);
    const settled = await until('both clients on one main', agreed, settleMs).then(
      () => true,
      () => false,
    );
    const untilMs = machineMs();
    await Promise.all([clients.stop(), beside.stop()]);
    const acks = [...clients.acks, ...beside.acks];
    const newDir = clients.acks.at(-1)?.on;
    const wrong = wrongSide(acks, struckAtMs, oldDir, newDir);
    const newMain = nodeNames.find((node) => system.dataDirOf(node) === newDir) ?? null;
    return {
      gapMs: Math.round(longestGapMs(clients.acks, struckAtMs, untilMs)),
      twoMainsMs: Math.round(wrong.twoMainsMs),
      wrongWrites: wrong.writes,
      lostWrites: lostOf([clients, beside], await rowsOn(system, newMain ?? main)),
      acknowledgedWrites: acks.length,
      settled,
      newMain,
    };
  } finally {
    await Promise.all([clients.stop(), beside.stop()]);
  }
}

/** It has noticed the fault, and has written without a failure for a while since. */
function steadySince({ acks, failures }: Writer, sinceMs: number): boolean {
  const noticedAtMs = failures.at(-1)?.atMs ?? 0;
  return noticedAtMs >= sinceMs && (acks.at(-enough)?.atMs ?? 0) > noticedAtMs;
}

/** For a while since then, and both on the same. */
function onOneMain(one: Writer, other: Writer, sinceMs: number): boolean {
  const last = [one, other].flatMap(({ acks }) => acks.slice(-enough));
  return last.every(({ on, atMs }) => on === last[0]?.on && atMs >= sinceMs);
}

async function rowsOn(system: SystemUnderTest, node: NodeName): Promise<Set<string>> {
  const rows = await system.query<{ write: string }>(node, `SELECT writer || '/' || id AS write FROM ${table}`);
  return new Set(rows.map(({ write }) => write));
}
