// The agent's own file on its node: which node it is, where the table is, where the engine lives. Everything else (timings,
// peers, VIP) comes from the cluster's configuration in the table. Every fault is listed at once, with its path.

import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const path = z.string().check(z.startsWith('/', 'must be an absolute path'));
const name = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be lower-case letters, digits and dashes'));

const isLoopback = (listen: string): boolean => /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(listen);

const shape = z.strictObject({
  cluster: name,
  node: name,
  /** DynamoDB table: the stack's name. */
  table: z._default(z.string().check(z.minLength(3)), 'mainstay'),
  /** Survives a reboot; holds the managed settings, pid file and markers. */
  stateDir: path,
  /** Clients that connect by TCP from this very node are let in as others are, unless `loopback` is open. */
  gate: z._default(
    z.union([
      z.literal('off'),
      z.strictObject({
        loopback: z._default(z.enum(['gated', 'open']), 'gated'),
        /** The engine's port and those of a pooler before it; default: the engine's. */
        ports: z.optional(z.array(z.int().check(z.minimum(1), z.maximum(65_535))).check(z.minLength(1))),
      }),
    ]),
    { loopback: 'gated' },
  ),
  /** A file with the secret that all agents of the cluster share; needed with `onStoreLoss: failsafe`. */
  secretFile: z.optional(path),
  /** The node's REST API; without it there is none. See docs/rest.md. */
  rest: z.optional(
    z
      .strictObject({
        port: z._default(z.int().check(z.minimum(1), z.maximum(65_535)), 8008),
        /** Address to listen at. */
        listen: z._default(z.string().check(z.minLength(1)), '0.0.0.0'),
        certFile: z.optional(path),
        keyFile: z.optional(path),
        tokenFile: path,
        /** The token travels in the clear; without it plain HTTP is for loopback only. */
        allowPlain: z._default(z.boolean(), false),
      })
      .check(
        z.refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
          error: 'certFile and keyFile belong together',
        }),
        z.refine(({ certFile, listen, allowPlain }) => certFile !== undefined || allowPlain || isLoopback(listen), {
          error: 'needs certFile and keyFile; plain HTTP beyond loopback must be asked for with allowPlain: true',
        }),
      ),
  ),
  engine: z.strictObject({
    dataDir: path,
    binDir: path,
    socketDir: path,
    logDir: path,
    evidenceDir: path,
    /** Account that the engine runs under when the agent is root. */
    osUser: z._default(z.string(), 'postgres'),
    superuser: z._default(z.string(), 'postgres'),
    replicationUser: z._default(z.string(), 'postgres'),
    passFile: z.optional(path),
    /** The pgBackRest repository; see docs/restore.md. */
    archive: z.optional(
      z.strictObject({
        stanza: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'must be letters, digits, - and _')),
        configFile: path,
        spoolDir: path,
        queueMaxBytes: z.optional(z.int().check(z.minimum(1))),
        program: z.optional(path),
      }),
    ),
    /** As `listen_addresses`; default: the node's own address. `*` where the VIP is an address that the node is given. */
    listen: z.optional(z.string().check(z.minLength(1))),
  }),
});

export type AgentSettings = z.infer<typeof shape>;

export const DEFAULT_SETTINGS_FILE = '/etc/mainstay/agent.json';

/** The settings, or an error that says what is wrong with the file and what to do. */
export function readSettings(file: string): AgentSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read (${error instanceof Error ? error.message : error}): give --config FILE`);
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return parseSettings(given, file);
}

/** What a file would hold, or the error that names every fault. */
export function parseSettings(given: unknown, file: string): AgentSettings {
  const parsed = shape.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(file)'}: ${issue.message}`);
  throw new Error(`${file} has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.join('\n')}`);
}
