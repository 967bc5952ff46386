// When a machine loses power its memory is gone. An engine that is killed leaves a small System V segment behind, and a
// system has room for a few thousand of them; this lets go of the one that an engine's pid file names.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Id of the segment that this pid file names, null when no engine has run here or it ended by itself. */
export function sharedMemoryOf(pidFile: string): string | null {
  try {
    // Line 7: key and id of the segment.
    return readFileSync(pidFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1] ?? null;
  } catch {
    return null;
  }
}

/** Call only when no process of the engine is left. */
export function forgetSharedMemory(id: string | null): void {
  if (id === null) return;
  try {
    execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' });
  } catch {
    // The engine ended by itself and took the segment along.
  }
}
