// What has to be on this machine before a peer can be measured, and what to install when it is not. Installs nothing.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoNetwork } from '../../../local/network';
import { findPostgres } from '../../../local/postgres';

/** A file that has to be there and the Debian package that brings it; a name without a slash is looked for on the PATH. */
export type Needs = readonly (readonly [file: string, aptPackage: string])[];

export function whyNotHere(needs: Needs): string | null {
  const network = whyNoNetwork();
  if (network) return network;
  if (!findPostgres()) return 'PostgreSQL is not installed: apt-get install postgresql';
  const missing = needs.filter(([file]) => !(file.includes('/') ? existsSync(file) : onPath(file)));
  return missing.length === 0 ? null : `apt-get install ${[...new Set(missing.map(([, name]) => name))].join(' ')}`;
}

const onPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, name)));

export const postgresBinDir = (): string => findPostgres()?.binDir ?? '';

/** Debian's package of an extension for the PostgreSQL of this machine. */
export const extensionPackage = (name: string): string =>
  `postgresql-${Number.parseInt(findPostgres()?.version ?? '15', 10)}-${name}`;
