// The last epoch that this node's agent has seen, and who holds it, on disk: what a command that arrives late is judged by when no agent
// runs that could judge it (T57). Written when it changes, which is at every change of authority; never decides anything else.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Lease } from '../core/model';

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

/** Keeps the file in step with what is handed to it. */
export function rememberEpochs(stateDir: string): (lease: Lease) => void {
  let written = '';
  return ({ epoch, holder }) => {
    const text = JSON.stringify({ epoch, holder } satisfies SeenEpoch);
    if (text === written) return;
    const beside = `${fileIn(stateDir)}.new`;
    const file = openSync(beside, 'w', 0o600);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(beside, fileIn(stateDir));
    written = text;
  };
}
