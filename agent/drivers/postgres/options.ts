// What the PostgreSQL driver is told: where the engine lives and every bound it keeps. Nothing here acts.
// Everything that is this node's own lies outside the data directory: pg_rewind and pg_basebackup copy what is inside (T38).

import { dirname, join } from 'node:path';
import type { NodeConfig, NodeName } from '../../../core/model';
import type { Clock } from '../../../core/ports';
import { type ArchiveOptions, type SettledArchive, settleArchive } from './archive/options';

export interface PostgresOptions {
  node: NodeName;
  cluster: string;
  dataDir: string;
  /** Where postgres, pg_controldata, pg_waldump, pg_rewind and pg_basebackup are. */
  binDir: string;
  port: number;
  listenHost: string;
  socketDir: string;
  /** Holds the managed settings and the rejoin marker; outside the data directory, on a disk that survives a reboot. */
  stateDir: string;
  logDir: string;
  /** Diverged WAL is kept below this, and never removed by us (T41). */
  evidenceDir: string;
  /** Set when the agent runs as root: postgres refuses to. */
  osUser?: { uid: number; gid: number };
  /** Logs in through the socket; must be a superuser. */
  superuser?: string;
  /** Reaches the peers: REPLICATION, and the grants of pg_rewind (or superuser); may connect to `postgres`. */
  replicationUser: string;
  /** A .pgpass file for the peers and the probe, readable by the engine's user, mode 0600. */
  passFile?: string;
  /** The peers accept encrypted sessions only (libpq finds out by itself; the short questions must be told). */
  peerTls?: boolean;
  /** The operator's own settings, included below ours; default `<dataDir>/postgresql.conf`. */
  baseConfig?: string;
  /** Added to the environment of the engine and its tools. */
  environment?: Record<string, string>;
  clock: Clock;
  peers: readonly NodeConfig[];
  walLevel?: 'replica' | 'logical';
  /** WAL kept for peers without a slot, as PostgreSQL writes it. */
  walKeepSize?: string;
  /** The most that a slot may hold back; a bound, so that an absent peer cannot fill the disk (T37). */
  slotKeepSize?: string;
  evidenceMaxBytes?: number;
  /** WAL goes to a pgBackRest repository, from the main alone; none without it. */
  archive?: ArchiveOptions;
  /** Bound for a stop by force, and for one answer of a local engine, in ms. */
  engineStopMs: number;
  /** Which history its replay goes along: the newest that is to be found, or the one it was on. */
  targetTimeline?: 'latest' | 'current';
  /** A main whose WAL does not reach the disk for so long does not serve, though it answers (T10, T14), in ms. */
  stallMs?: number;
  /** Crash recovery included, in ms. */
  startTimeoutMs?: number;
  promoteTimeoutMs?: number;
  drainTimeoutMs?: number;
  /** One conversation with a peer, in ms. */
  peerTimeoutMs?: number;
  /** A rejoined node must stream within this, or the next rung of the ladder is taken, in ms. */
  streamTimeoutMs?: number;
  /** One pg_rewind or pg_basebackup, in ms. */
  copyTimeoutMs?: number;
}

const defaults = {
  superuser: 'postgres',
  environment: {},
  peerTls: false,
  walLevel: 'replica',
  walKeepSize: '512MB',
  slotKeepSize: '8GB',
  evidenceMaxBytes: 1024 ** 3,
  targetTimeline: 'latest',
  // Twice what a volume that is short of its burst credit makes one wait; a checkpoint alone stays far below.
  stallMs: 10_000,
  startTimeoutMs: 60_000,
  promoteTimeoutMs: 60_000,
  drainTimeoutMs: 10_000,
  peerTimeoutMs: 1_000,
  streamTimeoutMs: 15_000,
  copyTimeoutMs: 6 * 3_600_000,
} as const;

export type Settled = Omit<PostgresOptions, 'archive'> &
  Required<Omit<PostgresOptions, 'osUser' | 'passFile' | 'archive'>> & { archive: SettledArchive | null; paths: Paths };

interface Paths {
  /** The configuration file that the engine is started with. */
  managed: string;
  /** Exists while a rewind or a reseed is not finished: the data directory is no database (T35). */
  marker: string;
  log: string;
  /** What each rung of a rejoin came to. */
  rejoinLog: string;
  standbySignal: string;
  recoverySignal: string;
  autoConf: string;
  pidFile: string;
  wal: string;
}

const pathsOf = ({ dataDir, stateDir, logDir }: PostgresOptions): Paths => ({
  managed: join(stateDir, 'mainstay.postgresql.conf'),
  marker: join(stateDir, 'rejoin-in-progress'),
  log: join(logDir, 'postgres.log'),
  rejoinLog: join(logDir, 'rejoin.log'),
  standbySignal: join(dataDir, 'standby.signal'),
  recoverySignal: join(dataDir, 'recovery.signal'),
  autoConf: join(dataDir, 'postgresql.auto.conf'),
  pidFile: join(dataDir, 'postmaster.pid'),
  wal: join(dataDir, 'pg_wal'),
});

export const settle = (options: PostgresOptions): Settled => ({
  ...defaults,
  baseConfig: join(options.dataDir, 'postgresql.conf'),
  ...options,
  archive: options.archive ? settleArchive(options.archive, options.stateDir) : null,
  paths: pathsOf(options),
});

/** The engine's tools run here: readable by the engine's user, and not inside what they replace. */
export const workDir = ({ dataDir }: Settled): string => dirname(dataDir);
