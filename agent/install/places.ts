// Where an installation keeps its files, and how they are written: whole or not at all, beside and renamed. A root other than '' is a rehearsal.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { unitName } from './unit';

export const home = '/opt/mainstay';
export const bundleName = 'mainstay-agent.js';
/** What the unit starts: through the link, so that a crash restarts what is installed. */
export const currentBundle = join(home, 'current', bundleName);

export const placesUnder = (root: string, settingsFile: string) => ({
  releases: join(root, home, 'releases'),
  current: join(root, home, 'current'),
  /** What the agent that runs was started from. */
  running: join(root, home, 'running'),
  program: join(root, '/usr/local/bin/mainstay-agent'),
  unit: join(root, '/etc/systemd/system', unitName),
  settings: join(root, settingsFile),
});
export type Places = ReturnType<typeof placesUnder>;

export const textOf = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);

export function writeWhole(path: string, content: string | Buffer, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, 'wx', mode);
  try {
    writeSync(file, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

export const linkOf = (path: string): string | null => {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
};

/** There is no moment without the link. */
export function pointTo(path: string, target: string): void {
  if (linkOf(path) === target) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  symlinkSync(target, beside);
  renameSync(beside, path);
}

/** Releases but those named. */
export function prune({ releases }: Places, keep: readonly (string | null)[]): void {
  for (const name of readdirSync(releases))
    if (!keep.includes(`releases/${name}`)) rmSync(join(releases, name), { recursive: true, force: true });
}
