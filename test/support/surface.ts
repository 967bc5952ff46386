// Which test calls which command of the command line or operation of a REST API: written down while MAINSTAY_SURFACE names a folder, for
// `npm run surface`. Otherwise nothing.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SurfaceCall {
  where: 'cli' | 'api' | 'node';
  /** `switch`, `GET /v1/clusters`, `GET /primary`. */
  what: string;
  /** Exit code or HTTP status. */
  code: number;
  /** File and title. */
  test: string;
}

export function called(where: SurfaceCall['where'], what: string, code: number): void {
  const folder = process.env.MAINSTAY_SURFACE;
  if (folder === undefined) return;
  const { testPath, currentTestName } = expect.getState();
  const call: SurfaceCall = { where, what, code, test: `${testPath}: ${currentTestName}` };
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(call)}\n`);
}
