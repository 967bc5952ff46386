// One durable write as a client would make it, to whatever answers at an address: a port that opens proves nothing,
// and neither does a session on a read-only node (T46). Leaves no table behind: the write is a WAL message.

import type { ProbeResult } from '../../../core/model';
import type { Settled } from './options';
import { withPeer } from './upstream';

/** Half of it for connecting, half for the write. */
const BOUND_MS = 2_000;

export async function probeWrite(options: Settled, host: string, port: number, epoch: number): Promise<ProbeResult> {
  const { clock } = options;
  const from = clock.nowMs();
  // The message is transactional: it takes a transaction id, so its commit is flushed before the answer.
  const sql = `select case when pg_is_in_recovery() then null
    else pg_logical_emit_message(true, 'mainstay', 'epoch ${Math.trunc(epoch)}')::text end written`;
  const answer = await withPeer(options, { host, port }, (session) => session.ask(sql), {
    replication: false,
    boundMs: BOUND_MS / 2,
  });
  const written = answer.ok ? answer.value[0]?.written : null;
  const accepted = typeof written === 'string';
  const refusal = answer.ok ? `${host}:${port} is read-only` : `${host}:${port}: ${answer.error}`;
  return { epoch, accepted, ms: clock.nowMs() - from, message: accepted ? `written at ${written}` : refusal };
}
