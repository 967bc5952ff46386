// Who streams from this main and how far each has it on disk: what synchronous replication is judged by. A node calls itself by its
// name (application_name), which only our settings give it; whoever else streams is none of ours.

import type { Follower } from '../../../core/replication';
import type { Session } from './session';
import { textOf } from './session';
import { parseLsn } from './wal';

const QUESTION = 'select application_name node, state, flush_lsn::text flushed from pg_stat_replication';

export async function followersOf(session: Session): Promise<Follower[]> {
  const answer = await session.ask(QUESTION);
  if (!answer.ok) return [];
  return answer.value.map((row) => ({
    node: textOf(row, 'node') ?? '',
    streaming: row.state === 'streaming',
    flushedBytes: parseLsn(textOf(row, 'flushed') ?? '0/0'),
  }));
}
