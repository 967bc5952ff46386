// `mainstay-agent install`: what State Manager's document runs, and a person by hand (docs/install.md). One line of JSON says what was done.

import { execFileSync } from 'node:child_process';
import type { Command } from 'commander';
import { DEFAULT_SETTINGS_FILE } from '../settings';
import { type InstallWorld, install } from './install';

interface InstallOptions {
  cluster: string;
  node: string;
  table: string;
  region?: string;
  settings?: string;
}

/** An agent that comes up does so within a few seconds; one that does not is taken for broken. */
const SYSTEMCTL_BOUND_MS = 60_000;
const OLDEST_NODE = 20;

function systemctl(args: readonly string[]): { ok: boolean; output: string } {
  try {
    const output = execFileSync('systemctl', [...args], {
      encoding: 'utf8',
      timeout: SYSTEMCTL_BOUND_MS,
      stdio: 'pipe',
    });
    return { ok: true, output };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return { ok: false, output: (stderr || message).trim() };
  }
}

function settingsOf(base64: string | undefined): Record<string, unknown> {
  if (base64 === undefined) return {};
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch (error) {
    throw new Error(`--settings is no JSON in base64: ${error instanceof Error ? error.message : error}`);
  }
}

export function installCommand(
  program: Command,
  world: Omit<InstallWorld, 'systemctl'> & { say: (message: string, details: Record<string, unknown>) => void },
): void {
  program
    .command('install')
    .description(
      'install this bundle as the agent of this node, or upgrade to it; changes nothing when nothing has changed',
    )
    .requiredOption('--cluster <name>')
    .requiredOption('--node <name>')
    .option('--table <name>', 'DynamoDB table', 'mainstay')
    .option('--region <name>', 'Region of the table; default: what the environment of the service says')
    .option('--settings <base64>', 'more of agent.json; what the node has already stays')
    .action(async ({ cluster, node, table, region, settings }: InstallOptions) => {
      const version = process.versions.node;
      if (Number(version.split('.')[0]) < OLDEST_NODE)
        throw new Error(`Node ${OLDEST_NODE} or newer is needed, this is ${version}: nothing is changed`);
      const given = { cluster, node, table, settings: settingsOf(settings), region: region ?? null };
      const { outcome, because } = await install({ ...given, file: DEFAULT_SETTINGS_FILE }, { ...world, systemctl });
      world.say(`${outcome}: ${because}`, { cluster, node });
      process.exit(0);
    });
}
