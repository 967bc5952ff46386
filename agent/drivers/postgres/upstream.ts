// Asks another node's engine who it is and what its history is, and prepares it for a follower: a slot, a checkpoint.
// Over the replication protocol, with a bound on every word; changes nothing else there.

import type { NodeConfig, Position } from '../../../core/model';
import { fail, ok, type Result } from '../../../core/result';
import { readText } from '../../files';
import type { Settled } from './options';
import { Session, textOf } from './session';
import { slotName } from './settings';
import { type Ancestry, historyName, parseHistory, parseLsn } from './wal';

export interface Upstream {
  dataId: string;
  writable: boolean;
  /** Read after everything else this node knows was read: a position beyond it is beyond the main. */
  at: Position;
  ancestry: Ancestry;
  /** Text of the history file of its timeline; null on the first. */
  history: string | null;
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

/** The password that a .pgpass file has for this address: the first line that fits, as libpq reads it. */
export async function passwordFor(options: Settled, host: string, port: number): Promise<string | undefined> {
  const text = options.passFile ? await readText(options.passFile) : null;
  const asked = [host, String(port), 'postgres', options.replicationUser];
  const lines = (text ?? '').split('\n').map((line) => line.match(/(?:\\.|[^:\\])+/g)?.map(unescaped) ?? []);
  const fits = (fields: string[]) =>
    fields.length >= 5 && asked.every((value, i) => fields[i] === '*' || fields[i] === value);
  return lines.find(fits)?.[4];
}

/** A short conversation with a peer; closed whatever happens. */
export async function withPeer<T>(
  options: Settled,
  peer: Pick<NodeConfig, 'host' | 'port'>,
  talk: (session: Session) => Promise<T>,
  { replication = true, boundMs = options.peerTimeoutMs } = {},
): Promise<T> {
  const { host, port } = peer;
  const password = await passwordFor(options, host, port);
  const address = { host, port, user: options.replicationUser, ...(password ? { password } : {}) };
  const session = new Session({ ...address, boundMs, replication, tls: options.peerTls });
  return talk(session).finally(() => session.close());
}

/** Who the peer is; the error is a sentence. */
export const askUpstream = (options: Settled, peer: NodeConfig): Promise<Result<Upstream, string>> =>
  withPeer(options, peer, async (session) => {
    const before = await session.ask('IDENTIFY_SYSTEM');
    if (!before.ok) return before;
    const timeline = Number(before.value[0]?.timeline);
    const backup = await session.ask('select pg_is_in_recovery() backup');
    const file = timeline > 1 ? await session.ask(`TIMELINE_HISTORY ${timeline}`) : ok([]);
    if (!file.ok) return fail(`its history ${historyName(timeline)} cannot be read: ${file.error}`);
    const history = textOf(file.value[0], 'content');
    return ok({
      dataId: textOf(before.value[0], 'systemid') ?? '',
      writable: backup.ok && backup.value[0]?.backup === false,
      at: { timeline, bytes: parseLsn(textOf(before.value[0], 'xlogpos') ?? '0/0') },
      ancestry: parseHistory(timeline, history),
      history,
    });
  });

/** This node's slot on the main; reserves WAL from now on. Already there is as good. */
export const ensureOwnSlot = (options: Settled, main: NodeConfig): Promise<Result<void, string>> =>
  withPeer(options, main, async (session) => {
    const made = await session.ask(`CREATE_REPLICATION_SLOT ${slotName(options.node)} PHYSICAL RESERVE_WAL`);
    return made.ok || /already exists/.test(made.error) ? ok(undefined) : fail(made.error);
  });

/** pg_rewind reads the main's control file, which names the new timeline only after its first checkpoint. */
export const checkpointUpstream = (options: Settled, main: NodeConfig): Promise<Result<unknown, string>> =>
  withPeer(options, main, (session) => session.ask('checkpoint'), { replication: false, boundMs: 60_000 });
