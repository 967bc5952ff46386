// The control plane's rounds, each five minutes: would a failover of each cluster work, is a maintenance over that nobody has ended, is a
// drill due? One cluster that cannot be looked at hides no other. Acts through operations and notices only.

import { attention } from '../core/attention';
import type { Events } from '../core/ports';
import { noticeSections } from '../core/runbook';
import { configOf } from './cluster';
import type { Desk } from './desk';
import { tellForgottenMaintenance } from './maintenance-over';
import { must } from './problems';
import { notReady } from './readiness';
import { drillAsConfigured } from './scheduled-drill';

export interface Rounds {
  /** Clusters of which a failover would not work, why, and for how many rounds in a row by now. */
  notReady: Record<string, { why: string[]; rounds: number }>;
  done: string[];
  /** What could not be looked at or done. */
  problems: string[];
}

/** Clusters that are looked at side by side. */
const together = 25;
/** So many rounds in a row: a quarter of an hour, as the alarm, which says of no cluster that it is the second one. */
const toldAfter = 3;

/** `before`: the rounds before these, where they are known. */
export async function makeRounds(desk: Desk, events: Events, before: Rounds | null): Promise<Rounds> {
  const rounds: Rounds = { notReady: {}, done: [], problems: [] };
  const clusters = must(await desk.settings.clusters());
  const visit = async (cluster: string): Promise<void> => {
    const attempt = async (what: () => Promise<string | null>) => {
      try {
        const done = await what();
        if (done !== null) rounds.done.push(`${cluster}: ${done}`);
      } catch (error) {
        rounds.problems.push(`${cluster}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    await attempt(() => tellForgottenMaintenance(desk, events, cluster));
    await attempt(async () => {
      const why = await notReady(desk, cluster);
      const found = { why, rounds: (before?.notReady[cluster]?.rounds ?? 0) + 1 };
      if (why.length > 0) rounds.notReady[cluster] = found;
      if (why.length > 0 && found.rounds === toldAfter) await tell(events, cluster, why);
      return drillAsConfigured(desk, events, await configOf(desk, cluster), why);
    });
  };
  for (let from = 0; from < clusters.length; from += together)
    await Promise.all(clusters.slice(from, from + together).map(visit));
  return rounds;
}

const tell = async (events: Events, cluster: string, why: readonly string[]): Promise<void> =>
  must(
    await events.publish(
      attention(cluster, {
        because: `a failover of ${cluster} would not work, or would lose data: ${why.join('; ')}`,
        next: `mainstay doctor ${cluster}`,
        section: noticeSections.notReady,
      }),
    ),
  );
