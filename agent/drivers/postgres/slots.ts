// Replication slots: the main keeps one for each peer, so that a peer that was away finds its WAL; nobody keeps others,
// because an orphan slot holds WAL back until the disk is full (T37). Touches no slot that is not `mainstay_*`.

import type { NodeName } from '../../../core/model';
import type { Session } from './session';
import { SLOT_PREFIX, slotName } from './settings';

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** The prefix with its underscore escaped for LIKE. */
const OURS = `slot_type = 'physical' and slot_name like '${SLOT_PREFIX.replace('_', '\\_')}%'`;

/** Best effort: a slot in use cannot be dropped, and is looked at again the next time. */
export async function keepSlots(session: Session, peers: readonly NodeName[]): Promise<void> {
  const wanted = peers.map((peer) => literal(slotName(peer)));
  const names = wanted.length === 0 ? `array[]::text[]` : `array[${wanted.join(', ')}]`;
  const found = await session.ask(
    `select pg_is_in_recovery() backup, array(select slot_name::text from pg_replication_slots where ${OURS}) slots`,
  );
  const row = found.ok ? found.value[0] : undefined;
  if (!row) return;
  if (row.backup === true) return dropSlots(session);
  const have = Array.isArray(row.slots) ? row.slots.map(String) : [];
  const missing = peers.map(slotName).filter((slot) => !have.includes(slot));
  for (const slot of missing) await session.ask(`select pg_create_physical_replication_slot(${literal(slot)}, true)`);
  if (have.length + missing.length > peers.length)
    await session.ask(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where ${OURS} and not active and slot_name::text <> all(${names})`,
    );
}

/** A demoted main must not go on holding WAL for followers that have left it. */
export async function dropSlots(session: Session): Promise<void> {
  await session.ask(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots where ${OURS} and not active`,
  );
}
