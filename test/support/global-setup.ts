// Before any test: what the tests need of this machine is installed, or one message says what to install. Done once, so
// that no test's time-out pays for it.

import { ensureEmulatorInstalled } from '../../local/emulator';
import { ensurePostgres } from '../../local/postgres';

export default async function setUp(): Promise<void> {
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  await ensurePostgres(progress);
  await ensureEmulatorInstalled(undefined, progress);
}
