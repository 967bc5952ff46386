// What the engine wrote to its log since a mark: read for the operator's sentence, and for what only the log tells.
// Never more than the last 64 KiB; a log that is not there says nothing.

import { closeSync, openSync, readSync, statSync } from 'node:fs';

const LIMIT_BYTES = 65_536;

export function logBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

export function logSince(path: string, from: number): string {
  const size = logBytes(path);
  if (size === 0) return '';
  const start = Math.max(from, size - LIMIT_BYTES);
  const text = Buffer.alloc(Math.max(0, size - start));
  const handle = openSync(path, 'r');
  readSync(handle, text, 0, text.length, start);
  closeSync(handle);
  return text.toString();
}
