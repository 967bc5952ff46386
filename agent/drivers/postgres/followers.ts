// Synchronous replication: whom commits wait for, who streams from this main, and how far each has it on disk. A node calls itself by its
// name (application_name), which only our settings give it; whoever else streams is none of ours.

import type { NodeName } from '../../../core/model';
import type { Driven } from '../../../core/ports';
import type { Follower } from '../../../core/replication';
import { ok } from '../../../core/result';
import type { Engine } from './engine';
import { problem } from './problems';
import type { Session } from './session';
import { textOf } from './session';
import { configuredMain, waitingFor } from './settings';
import { parseLsn } from './wal';

const POLL_MS = 5;

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

async function shows(engine: Engine, nodes: readonly NodeName[]): Promise<boolean> {
  const shown = await engine.session.ask('show synchronous_standby_names');
  return shown.ok && textOf(shown.value[0], 'synchronous_standby_names') === waitingFor(nodes);
}

/** A setting that every process of the engine has to read: done when a session that asks afterwards sees it. */
export async function waitFor(engine: Engine, nodes: readonly NodeName[]): Driven {
  const { clock, engineStopMs } = engine.options;
  engine.waited = [...nodes];
  await engine.ensureSettings(await configuredMain(engine.options));
  if (engine.pid() === null || (await shows(engine, nodes))) return ok(undefined);
  const reloaded = await engine.session.ask('select pg_reload_conf()');
  const deadline = clock.nowMs() + engineStopMs;
  while (reloaded.ok && clock.nowMs() < deadline) {
    if (await shows(engine, nodes)) return ok(undefined);
    await clock.sleep(POLL_MS);
  }
  const why = reloaded.ok ? 'the new setting is not in effect' : reloaded.error;
  return problem('NotWaiting', `commits do not wait for ${nodes.join(', ') || 'nobody'} yet: ${why}`, 'Ask again.');
}
