// The control plane's rounds, each five minutes: would a failover of each cluster work, is a maintenance over that nobody has ended, is a
// drill due? One cluster that cannot be looked at hides no other. Acts through operations, policy and notices only.

import type { Events } from '../core/ports';
import { configOf } from './cluster';
import type { Desk } from './desk';
import { tellForgottenMaintenance } from './maintenance-over';
import { Failure, must } from './problems';
import { notReady } from './readiness';
import { drillAsConfigured } from './scheduled-drill';

export interface Rounds {
  /** Clusters of which a failover would not work, and why. */
  notReady: Record<string, string[]>;
  done: string[];
  /** What could not be looked at or done. */
  problems: string[];
}

/** Clusters that are looked at side by side. */
const together = 25;

export async function makeRounds(desk: Desk, events: Events): Promise<Rounds> {
  const rounds: Rounds = { notReady: {}, done: [], problems: [] };
  const clusters = must(await desk.settings.clusters());
  for (let from = 0; from < clusters.length; from += together)
    await Promise.all(clusters.slice(from, from + together).map((cluster) => visit(desk, events, cluster, rounds)));
  return rounds;
}

async function visit(desk: Desk, events: Events, cluster: string, rounds: Rounds): Promise<void> {
  const attempt = async (what: () => Promise<string | null>) => {
    try {
      const done = await what();
      if (done !== null) rounds.done.push(`${cluster}: ${done}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      rounds.problems.push(`${cluster}: ${error.problem.message}`);
    }
  };
  await attempt(() => tellForgottenMaintenance(desk, events, cluster));
  await attempt(async () => {
    const reasons = await notReady(desk, cluster);
    if (reasons.length > 0) rounds.notReady[cluster] = reasons;
    return drillAsConfigured(desk, events, await configOf(desk, cluster), reasons);
  });
}
