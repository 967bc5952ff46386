// `mainstay-agent fence`: stops this node's engine at once, for an epoch, when the agent cannot. Refuses what comes late or from an older epoch.
// What it prints is no fence proof: an agent that lives may start its engine again within its promise; only its report counts (T11, T14).

import type { Command } from 'commander';
import type { EngineDriver } from '../core/ports';
import type { SeenEpoch } from './seen-epoch';
import type { AgentSettings } from './settings';

export interface FenceRequest {
  cluster: string;
  epoch: number;
  /** Unix time, in s. */
  expires: number;
}

/** Why nothing may be done, or null. */
export function refusalOf(
  { cluster, epoch, expires }: FenceRequest,
  node: { cluster: string; node: string; seen: SeenEpoch | null; wallMs: number },
): string | null {
  if (cluster !== node.cluster) return `this node belongs to ${node.cluster}, not ${cluster}`;
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(expires)) return 'epoch and expiry must be whole numbers';
  if (expires * 1000 < node.wallMs) return 'this command has expired';
  if (node.seen && node.seen.epoch > epoch)
    return `this node has seen epoch ${node.seen.epoch}, the command is of epoch ${epoch}: somebody else decides by now`;
  if (node.seen?.epoch === epoch && node.seen.holder === node.node)
    return `this node is the holder at epoch ${epoch}: its engine is wanted`;
  return null;
}

export interface FencePlace {
  settings: AgentSettings;
  driver: Pick<EngineDriver, 'fence'>;
  seen: SeenEpoch | null;
  wallMs: number;
  say: (message: string, details?: Record<string, unknown>) => void;
}

export async function fence(request: FenceRequest, { settings, driver, seen, wallMs, say }: FencePlace): Promise<void> {
  const refusal = refusalOf(request, { ...settings, seen, wallMs });
  if (refusal !== null) throw new Error(`${refusal}: nothing is done`);
  const done = await driver.fence();
  if (!done.ok) throw new Error(`${done.error.message}; next: ${done.error.next}`);
  say('engine stopped and verified: no process of it is left', { node: settings.node, epoch: request.epoch });
}

export function fenceCommand(program: Command, file: string, placeOf: (file: string) => FencePlace): void {
  program
    .command('fence')
    .description('stop the engine of this node at once, where its agent does not; no proof of it, the report is')
    .requiredOption('--cluster <name>')
    .requiredOption('--epoch <number>', 'refused when this node has seen a newer one')
    .requiredOption('--expires <seconds>', 'Unix time after which it is refused')
    .option('--config <file>', 'settings of this node', file)
    .action(async (options: Record<'config' | 'cluster' | 'epoch' | 'expires', string>) => {
      const { config, cluster, epoch, expires } = options;
      await fence({ cluster, epoch: Number(epoch), expires: Number(expires) }, placeOf(config));
      process.exit(0);
    });
}
