// The last epoch that this node's agent has seen, and who holds it, on disk: what a command that arrives late is judged by when no agent
// runs that could judge it (T57). Written when it changes, which is at every change of authority; never decides anything else, and
// neither a full disk nor one that hangs may hold up the agent's loop (T63).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lease } from '../core/model';
import { writeWhole } from './files';

export interface SeenEpoch {
  epoch: number;
  holder: string | null;
}

const fileIn = (stateDir: string): string => join(stateDir, 'epoch.json');

/** Null: no agent has read a lease here yet. */
export function seenEpoch(stateDir: string): SeenEpoch | null {
  let text: string;
  try {
    text = readFileSync(fileIn(stateDir), 'utf8');
  } catch {
    return null;
  }
  const { epoch, holder } = JSON.parse(text) as Partial<SeenEpoch>;
  if (typeof epoch !== 'number') throw new Error(`${fileIn(stateDir)} is damaged: remove it`);
  return { epoch, holder: holder ?? null };
}

export type Say = (message: string, details?: Record<string, unknown>) => void;

/**
 * Keeps the file in step with what is handed to it, beside the loop: one write at a time, the latest wins, and what failed is tried
 * again when the next lease is handed in. A failure is said once.
 */
export function rememberEpochs(stateDir: string, say: Say): (lease: Lease) => void {
  let wanted = '';
  let written = '';
  let writing = false;
  let failed = false;
  const keepUp = async (): Promise<void> => {
    writing = true;
    try {
      while (wanted !== written) {
        const text = wanted;
        await writeWhole({}, fileIn(stateDir), text);
        written = text;
      }
      failed = false;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (!failed) say('the epoch that this node has seen cannot be written to its disk', { problem });
      failed = true;
    } finally {
      writing = false;
    }
  };
  return ({ epoch, holder }) => {
    wanted = JSON.stringify({ epoch, holder } satisfies SeenEpoch);
    if (!writing && wanted !== written) void keepUp();
  };
}
