// `mainstay-agent inspect`: a person reads what a shunned node has, before it is recovered and that is given up. Judged by the last lease
// that the node's agent has seen, so that it works while the store does not answer. Never the engine itself: a copy of it.

import { join } from 'node:path';
import type { Command } from 'commander';
import { inspect } from './drivers/postgres/inspection';
import type { PostgresOptions } from './drivers/postgres/options';
import type { SeenEpoch } from './seen-epoch';
import type { AgentSettings } from './settings';

/** Why nothing may be copied, or null. */
export function inspectRefusalOf(node: string, cluster: string, seen: SeenEpoch | null): string | null {
  if (seen === null)
    return `no agent of ${node} has read a lease yet, so nobody knows whether it is the main of ${cluster}; next: start its agent, then ask again`;
  if (seen.holder === node)
    return `${node} is the holder of ${cluster} at epoch ${seen.epoch}: its data is the service’s; next: mainstay status ${cluster}, and start its agent if it is not running`;
  return null;
}

export interface InspectPlace {
  settings: AgentSettings;
  options: PostgresOptions;
  seen: SeenEpoch | null;
  say: (text: string) => void;
}

const quoted = (word: string): string => (/^[\w./@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Until `signal`; throws a sentence with what to do next. */
export async function runInspect(place: InspectPlace, dir: string | undefined, signal: AbortSignal): Promise<void> {
  const { settings, options, seen, say } = place;
  const { node, cluster } = settings;
  const refusal = inspectRefusalOf(node, cluster, seen);
  if (refusal !== null) throw new Error(refusal);
  const done = await inspect(options, {
    dir: dir ?? join(settings.engine.evidenceDir, 'inspection'),
    signal,
    say,
    ready: ({ dir: host, port, user }) => {
      say(`a copy of ${node}’s data can be read as ${settings.engine.osUser} or root:`);
      say(`  psql -h ${quoted(host)} -p ${port} -U ${quoted(user)} postgres`);
      say('Ctrl-C stops it and removes the copy; the original stays as it is');
    },
  });
  if (!done.ok) throw new Error(`${done.error.message}; next: ${done.error.next}`);
  say('the copy is gone');
}

export function inspectCommand(program: Command, file: string, placeOf: (file: string) => InspectPlace): void {
  program
    .command('inspect')
    .description('read what a shunned node has: a copy of its data, read-only, behind a socket, until Ctrl-C')
    .option('--dir <dir>', 'for the copy and the socket, empty (default: "inspection" in evidenceDir)')
    .option('--config <file>', 'settings of this node', file)
    .action(async ({ config, dir }: { config: string; dir?: string }) => {
      const ending = new AbortController();
      // The copy is removed whatever ends it; a second Ctrl-C does not hurry that.
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => ending.abort());
      await runInspect(placeOf(config), dir, ending.signal);
      process.exit(0);
    });
}
