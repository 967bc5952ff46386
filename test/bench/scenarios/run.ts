// Every system, preset and scenario, one cluster at a time and a fresh one for each; the runs are the outermost, so that what else
// the machine does falls on all of them. What has been measured is written after each, so that nothing is lost by an interruption.

import { writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { findPostgres } from '../../../local/postgres';
import { processorModel } from '../processes';
import { mainstay } from './mainstay';
import { whyNotHere } from './needs';
import { Patroni, patroniNeeds } from './patroni';
import { PgAutoFailover, pgAutoFailoverNeeds } from './pg-auto-failover';
import { Repmgr, repmgrNeeds } from './repmgr';
import { type Measured, type ScenarioName, strike } from './scenarios';
import type { Preset, SystemUnderTest } from './system';
import { scenarioTable } from './table';

const peers = {
  patroni: { make: (preset: Preset): SystemUnderTest => new Patroni(preset), needs: patroniNeeds },
  pg_auto_failover: {
    make: (preset: Preset): SystemUnderTest => new PgAutoFailover(preset),
    needs: pgAutoFailoverNeeds,
  },
  repmgr: { make: (preset: Preset): SystemUnderTest => new Repmgr(preset), needs: repmgrNeeds },
};
export type PeerName = keyof typeof peers;
export const peerNames = Object.keys(peers) as PeerName[];

export interface ScenarioOptions {
  scenarios: ScenarioName[];
  runs: number;
  presets: Preset[];
  peers: PeerName[];
  onlyPeers: boolean;
  json?: string;
}

type Make = (preset: Preset) => SystemUnderTest;

function systemsOf(options: ScenarioOptions): Make[] {
  const makes: Make[] = [];
  if (!options.onlyPeers) makes.push(mainstay);
  for (const name of options.peers) {
    const missing = whyNotHere(peers[name].needs);
    if (missing) throw new Error(`${name}: ${missing}`);
    makes.push(peers[name].make);
  }
  if (makes.length === 0) throw new Error(`nothing to measure: name some of ${peerNames.join(', ')} with --peers`);
  return makes;
}

/** `onUp` hears how to end what is under way. */
export async function runScenarios(
  options: ScenarioOptions,
  say: (line: string) => void,
  onUp: (end: () => Promise<void>) => void,
): Promise<string> {
  const measured: Measured[] = [];
  let going = true;
  const systems: Record<string, { timings: string; replication: string }> = {};
  const makes = systemsOf(options);
  const save = (): void => {
    const text = JSON.stringify({ machine: machine(), systems, measured }, null, 2);
    if (options.json) writeFileSync(options.json, `${text}\n`);
  };
  for (let run = 1; run <= options.runs; run++)
    for (const scenario of options.scenarios)
      for (const preset of options.presets)
        for (const make of makes) {
          if (!going) return '';
          const system = make(preset);
          onUp(() => {
            going = false;
            return system.down();
          });
          const { name, timings, replication } = system;
          systems[`${name} ${preset}`] = { timings, replication };
          const result = await measure(system, scenario);
          measured.push({ system: name, preset, scenario, run, ...result });
          say(`run ${run} of ${options.runs}: ${scenario}, ${name} ${preset}: ${JSON.stringify(result)}`);
          save();
        }
  const notes = Object.entries(systems).map(([key, each]) => `  ${key}: ${each.replication}; ${each.timings}`);
  return [scenarioTable(measured), ...notes].join('\n');
}

async function measure(
  system: SystemUnderTest,
  scenario: ScenarioName,
): Promise<Pick<Measured, 'failure' | 'outcome'>> {
  try {
    await system.up();
    return { failure: null, outcome: await strike(system, scenario) };
  } catch (error) {
    // A tool's last words are at the end.
    return { failure: String(error).slice(-500), outcome: null };
  } finally {
    await system.down();
  }
}

const machine = () => ({
  cores: availableParallelism(),
  processor: processorModel(),
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.version,
  postgres: findPostgres()?.version ?? '',
});
