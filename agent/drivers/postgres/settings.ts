// The settings that are this node's own: a file outside the data directory that includes the operator's and overrides it.
// postgresql.auto.conf would win over both and is copied by pg_rewind, so our keys are struck from it at each start (T38).

import type { NodeConfig, NodeName } from '../../../core/model';
import { ensureDir, readText, writeWhole } from '../../files';
import { archiveSettings, ensureArchive } from './archive/options';
import type { Settled } from './options';

/** Slot names know only a-z, 0-9 and _; a node's slot is ours to create and to drop. */
export const SLOT_PREFIX = 'mainstay_';
export const slotName = (node: NodeName): string => SLOT_PREFIX + node.toLowerCase().replace(/[^a-z0-9_]/g, '_');

const quoted = (value: string): string => `'${value.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`;
const conninfoValue = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;

export const conninfo = (parts: Record<string, string | number>): string =>
  Object.entries(parts)
    .map(([key, value]) => `${key}=${conninfoValue(String(value))}`)
    .join(' ');

/** How this node reaches a peer. Bounded: a frozen peer is noticed in about 5 s, and its address may answer nothing. */
export function peerParts(
  { node, replicationUser, passFile }: Settled,
  peer: NodeConfig,
): Record<string, string | number> {
  return {
    host: peer.host,
    port: peer.port,
    user: replicationUser,
    application_name: node,
    connect_timeout: 2,
    keepalives_idle: 2,
    keepalives_interval: 1,
    keepalives_count: 3,
    tcp_user_timeout: 5000,
    ...(passFile ? { passfile: passFile } : {}),
  };
}

/** ALL of them: `FIRST n (…)` with n names; names are quoted because a node's name may hold dashes. */
export const waitingFor = (nodes: readonly NodeName[]): string =>
  nodes.length === 0 ? '' : `FIRST ${nodes.length} (${nodes.map((node) => `"${node}"`).join(', ')})`;

function managedSettings(
  options: Settled,
  main: NodeConfig | null,
  waited: readonly NodeName[],
  atLeastSenders = 0,
): Record<string, string> {
  const senders = String(Math.max(10, 2 * options.peers.length + 4, atLeastSenders));
  return {
    data_directory: options.dataDir,
    port: String(options.port),
    listen_addresses: options.listenHost,
    unix_socket_directories: options.socketDir,
    wal_level: options.walLevel,
    hot_standby: 'on',
    wal_log_hints: 'on',
    max_wal_senders: senders,
    max_replication_slots: senders,
    wal_keep_size: options.walKeepSize,
    max_slot_wal_keep_size: options.slotKeepSize,
    // Below the drain's bound: a dead peer must not hold up a clean stop.
    wal_sender_timeout: '5s',
    wal_receiver_timeout: '5s',
    wal_retrieve_retry_interval: '200ms',
    recovery_target_timeline: options.targetTimeline,
    // After a backend's crash the agent decides, under its promise, not the postmaster.
    restart_after_crash: 'off',
    primary_conninfo: main ? conninfo(peerParts(options, main)) : '',
    synchronous_standby_names: waitingFor(waited),
    primary_slot_name: main ? slotName(options.node) : '',
    ...archiveSettings(options),
  };
}

export function renderSettings(
  options: Settled,
  main: NodeConfig | null,
  waited: readonly NodeName[],
  atLeastSenders: number,
): string {
  const lines = Object.entries(managedSettings(options, main, waited, atLeastSenders)).map(
    ([key, value]) => `${key} = ${quoted(value)}`,
  );
  return [
    '# Written by the Mainstay agent at each start and change of main. Edit the included file instead.',
    `include_if_exists ${quoted(options.baseConfig)}`,
    ...lines,
    '',
  ].join('\n');
}

/** What is left of postgresql.auto.conf when our keys are struck. */
export function strikeManaged(options: Settled, text: string): string {
  const ours = new Set(Object.keys(managedSettings(options, null, [])));
  const foreign = (line: string) => !ours.has((/^\s*([A-Za-z_]+)/.exec(line)?.[1] ?? '').toLowerCase());
  return text.split('\n').filter(foreign).join('\n');
}

async function writeIfChanged(options: Settled, path: string, was: string | null, next: string): Promise<void> {
  if (was !== next) await writeWhole(options, path, next);
}

/** Idempotent: writes nothing when nothing changes. */
export async function ensureSettings(
  options: Settled,
  main: NodeConfig | null,
  waited: readonly NodeName[],
  atLeastSenders = 0,
): Promise<void> {
  const { managed, autoConf } = options.paths;
  await ensureDir(options.stateDir);
  await ensureDir(options.logDir);
  await ensureArchive(options);
  await writeIfChanged(
    options,
    managed,
    await readText(managed),
    renderSettings(options, main, waited, atLeastSenders),
  );
  const auto = await readText(autoConf);
  if (auto !== null) await writeIfChanged(options, autoConf, auto, strikeManaged(options, auto));
}

/** The peer that a primary_conninfo points to. */
export function peerOf(options: Settled, primary: string | null): NodeConfig | null {
  const host = /\bhost='((?:[^'\\]|\\.)*)'/.exec(primary ?? '')?.[1];
  const port = Number(/\bport='(\d+)'/.exec(primary ?? '')?.[1]);
  return options.peers.find((peer) => peer.host === host && peer.port === port) ?? null;
}

/** The peer that the managed file names: what the engine follows when it is started next. */
export async function configuredMain(options: Settled): Promise<NodeConfig | null> {
  const line = (await readText(options.paths.managed))?.split('\n').find((each) => each.startsWith('primary_conninfo'));
  return peerOf(options, line?.replaceAll("''", "'") ?? null);
}
