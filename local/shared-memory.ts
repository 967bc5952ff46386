// When a machine loses power its memory is gone. An engine that is killed leaves a small System V segment behind, and a
// system has room for a few thousand of them; this lets go of the one that an engine's pid file names.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Call only when no process of the engine is left. */
export function forgetSharedMemory(dataDir: string): void {
  try {
    // Line 7: key and id of the segment.
    const id = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
    if (id) execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' });
  } catch {
    // No engine has run here, or it ended by itself and took the segment along.
  }
}
