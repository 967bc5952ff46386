// The one configuration file: its schema, its defaults, and every fault with its path, all at once. Read at synth and by
// local/; agents and functions get the result from the table. Documented in docs/configuration.md.

import { isIP } from 'node:net';
import { z } from 'zod';
import { type BrakeLimits, defaultBrake } from '../core/brake';
import { windowOf } from '../core/drill';
import { failbackModes } from '../core/failback';
import { storeLossModes } from '../core/failsafe';
import { defaultFlapping, remembered } from '../core/flapping';
import { importances } from '../core/fleet';
import { type ClusterConfig, type ConsumerConfig, fenceRungs } from '../core/model';
import { replicationModes } from '../core/replication';
import { judgeTimings, type Timings, timingPresets } from '../core/timings';
import { type Parameter, parameters } from './documents/document';
import { lonelyWebhooks, type Webhook, type WebhookInput, webhooksSchema } from './webhooks';

const nodeSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a node name is lower-case letters, digits and dashes'),
  instanceId: z.string().regex(/^i-[0-9a-f]{8,17}$/, 'an EC2 instance id looks like i-0123456789abcdef0'),
  zone: z.string().min(1),
  host: z.string().min(1),
  port: z.int().min(1).max(65535).default(5432),
  priority: z.int().min(0).max(1000).default(100),
  agentPort: z.int().min(1).max(65535).default(8009),
  networkInterfaceId: z
    .string()
    .regex(/^eni-[0-9a-f]{8,17}$/, 'a network interface id looks like eni-0123456789abcdef0')
    .optional(),
  vipAddress: z
    .string()
    .refine((address) => isIP(address) !== 0, 'must be an IP address')
    .optional(),
});

/** As the document that gets it would judge it, but at synth. */
const fits = ({ allowedPattern, description }: Parameter) =>
  z.string().regex(new RegExp(allowedPattern), `${description}: must match ${allowedPattern}`);

const eitherWay = 'a consumer has either a document of yours, or properties and a service';

const consumerSchema = z
  .strictObject({
    name: z.string().min(1),
    instanceId: nodeSchema.shape.instanceId,
    document: z.string().min(1).optional(),
    properties: z.strictObject({ file: fits(parameters.file), key: fits(parameters.key) }).optional(),
    service: fits(parameters.service).optional(),
  })
  .transform(({ name, instanceId, document, properties, service }, context): ConsumerConfig => {
    if (document !== undefined && !properties && service === undefined) return { name, instanceId, document };
    if (document === undefined && properties && service !== undefined) return { name, instanceId, properties, service };
    context.issues.push({ code: 'custom', message: eitherWay, input: name });
    return z.NEVER;
  });

/** The agent judges them on the node, with every fault; here only what names the node is kept out, and what would be a secret in a template. */
const agentSchema = z.strictObject({
  settings: z
    .record(z.string(), z.unknown())
    .refine((settings) => !['cluster', 'node', 'table'].some((key) => key in settings), {
      message: 'cluster, node and table are filled in for each node',
    })
    .default({}),
});

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day is HH:MM in UTC, e.g. 07:30');
const timing = z.number().optional();
/** A preset, and what is to be different from it. */
const timingsSchema = z
  .strictObject({
    preset: z.enum(['default', 'tight']).default('default'),
    ttlMs: timing,
    marginMs: timing,
    heartbeatMs: timing,
    alertMs: timing,
    reportMs: timing,
    storeTimeoutMs: timing,
    engineStopMs: timing,
    clockErrorPpm: timing,
  })
  .transform(({ preset, ...changes }) => ({
    ...timingPresets[preset],
    ...(Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Timings>),
  }))
  .superRefine((timings, context) => {
    for (const message of judgeTimings(timings)) context.addIssue({ code: 'custom', message });
  });

const port = z.int().min(1).max(65535).default(5432);
const vipSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('eip'),
    allocationId: z.string().regex(/^eipalloc-[0-9a-f]{8,}$/, 'an allocation id looks like eipalloc-0123456789abcdef0'),
    host: z.string().min(1),
    port,
  }),
  z
    .strictObject({
      kind: z.literal('route53'),
      hostedZoneId: z.string().regex(/^Z[0-9A-Z]{3,31}$/, 'a hosted zone id looks like Z0123456789ABCDEFGHIJ'),
      // Other characters are legal in DNS, and Route 53 spells them differently when it is asked.
      name: z
        .string()
        .max(253)
        .regex(
          /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}$/,
          'must be a full name, lower case and without the last dot, such as db.example.com',
        ),
      ttlS: z
        .int()
        .min(1, 'a record that may not be kept would be asked for with every connection')
        .max(3600)
        .default(5),
      private: z.boolean().default(false),
      host: z.string().min(1).optional(),
      port,
    })
    .transform((vip) => ({ ...vip, host: vip.host ?? vip.name })),
]);

/** Rounds are made each five minutes. */
const leastWindowMs = 30 * 60_000;

const clusterSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a cluster name is lower-case letters, digits and dashes'),
    engine: z.literal('postgres'),
    nodes: z.array(nodeSchema).min(2, 'a cluster needs a main and at least one backup').max(15),
    vip: vipSchema,
    timings: timingsSchema.prefault({}),
    fence: z
      .array(z.enum(fenceRungs))
      .min(1, 'without a rung on the fence ladder nobody could ever be promoted')
      .default([...fenceRungs]),
    maxLagBytes: z
      .int()
      .min(0)
      .default(16 * 1024 * 1024),
    importance: z.enum(importances).default('normal'),
    maxReplayLagMs: z.int().min(1).default(60_000),
    onStoreLoss: z.enum(storeLossModes).default('strict'),
    replication: z
      .strictObject({
        mode: z.enum(replicationModes).default('async'),
        backups: z.int().min(1, 'a commit that waits waits for one backup at least').default(1),
      })
      .prefault({}),
    failback: z
      .strictObject({
        prefer: z.string(),
        mode: z.enum(failbackModes).default('manual'),
        quietHours: z.strictObject({ from: timeOfDay, to: timeOfDay }).nullable().default(null),
      })
      .optional(),
    failovers: z
      .strictObject({
        coolDownMs: z.int().min(0).default(defaultFlapping.coolDownMs),
        maxPerDay: z
          .int()
          .min(1, 'with 0 a day nothing would ever be failed over: use the policy manual')
          .max(remembered, `only the last ${remembered} automatic failovers are remembered: more would be no maximum`)
          .default(defaultFlapping.maxPerDay),
      })
      .prefault({}),
    drill: z
      .strictObject({
        window: z
          .string()
          .refine(
            (text) => (windowOf(text)?.lengthMs ?? 0) >= leastWindowMs,
            'a window of the week is written sun:03:00-sun:04:00, in UTC, and is half an hour long at least',
          ),
        rtoMs: z.int().min(1).default(5000),
        to: z.string().optional(),
      })
      .optional(),
    acceptLoss: z.enum(['one-person', 'second-person']).default('one-person'),
    consumers: z.array(consumerSchema).default([]),
    agent: agentSchema.optional(),
  })
  .superRefine(({ nodes, replication, vip, failback, drill }, context) => {
    if (drill?.to !== undefined && !nodes.some(({ name, priority }) => name === drill.to && priority > 0))
      context.addIssue({
        code: 'custom',
        path: ['drill', 'to'],
        message: `a drill cannot move the role to ${drill.to}: it is no node that may become main`,
      });
    if (failback && !nodes.some(({ name, priority }) => name === failback.prefer && priority > 0))
      context.addIssue({
        code: 'custom',
        path: ['failback', 'prefer'],
        message: `the role cannot go back to ${failback.prefer}: it is no node that may become main`,
      });
    for (const { path, message } of vip.kind === 'route53' ? addressFaults(nodes) : [])
      context.addIssue({ code: 'custom', path: ['nodes', ...path], message });
    for (const [field, values] of Object.entries({
      name: nodes.map(({ name }) => name),
      instanceId: nodes.map(({ instanceId }) => instanceId),
      address: nodes.map(({ host, port }) => `${host}:${port}`),
    })) {
      const twice = values.find((value, index) => values.indexOf(value) !== index);
      if (twice)
        context.addIssue({ code: 'custom', path: ['nodes'], message: `two nodes have the same ${field}: ${twice}` });
    }
    const spare = nodes.filter(({ priority }) => priority > 0).length - 1;
    if (replication.mode !== 'async' && replication.backups > spare) {
      context.addIssue({
        code: 'custom',
        path: ['replication', 'backups'],
        message: `commits cannot wait for ${replication.backups} backups: beside the main ${spare} could take over`,
      });
    }
    if (nodes.every(({ priority }) => priority === 0)) {
      context.addIssue({ code: 'custom', path: ['nodes'], message: 'every priority is 0: nobody could ever be main' });
    }
  });

/** A record holds addresses, of one family, and says by them which node it is at. */
function addressFaults(nodes: readonly z.output<typeof nodeSchema>[]): { path: PropertyKey[]; message: string }[] {
  const addresses = nodes.map(({ host, vipAddress }) => vipAddress ?? host);
  const names = addresses.flatMap((address, index) =>
    isIP(address) === 0
      ? [
          {
            path: [index, 'host'],
            message: `a VIP in Route 53 needs the node's IP address: '${address}' is a name; give an address here or as vipAddress`,
          },
        ]
      : [],
  );
  if (names.length > 0) return names;
  const families = new Set(addresses.map(isIP));
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  return [
    ...(families.size > 1
      ? [{ path: [], message: 'the addresses of all nodes must be IPv4, or all IPv6: one record holds them' }]
      : []),
    ...(twice
      ? [{ path: [], message: `two nodes have the same address ${twice}: a record could not tell which it is at` }]
      : []),
  ];
}

/** Who is told, and which alarms there are (constructs/watching.ts). */
const watchingSchema = z
  .strictObject({
    emails: z.array(z.email()).optional(),
    https: z.array(z.url({ protocol: /^https$/ })).optional(),
    webhooks: webhooksSchema.optional(),
    alarms: z.enum(['lean', 'full']).optional(),
    runbookUrl: z.string().min(1).optional(),
    dashboard: z.boolean().optional(),
  })
  .superRefine(({ emails = [], https = [], webhooks }, context) => {
    const message = lonelyWebhooks(webhooks, [...emails, ...https]);
    if (message !== null) context.addIssue({ code: 'custom', path: ['webhooks'], message });
  });

const configSchema = z
  .strictObject({
    clusters: z.array(clusterSchema).min(1, 'there is no cluster to protect'),
    watching: watchingSchema.optional(),
    brake: z
      .strictObject({
        failovers: z.int().min(0).default(defaultBrake.failovers),
        percent: z.number().min(0).max(100).default(defaultBrake.percent),
        windowMs: z.int().min(60_000, 'a window below a minute holds nobody').default(defaultBrake.windowMs),
      })
      .prefault({}),
  })
  .superRefine(({ clusters }, context) => {
    const names = clusters.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice) context.addIssue({ code: 'custom', path: ['clusters'], message: `two clusters are called ${twice}` });
  });

/** What a person writes: defaults may be left out. */
export type MainstayConfigInput = z.input<typeof configSchema>;
export interface MainstayConfig {
  clusters: ClusterConfig[];
  watching?: z.output<typeof watchingSchema>;
  brake: BrakeLimits;
}
/** One cluster, as a person writes it. */
export type ClusterInput = z.input<typeof clusterSchema>;

/** Gives the editor the types; nothing is checked before synth. */
export const defineConfig = (config: MainstayConfigInput): MainstayConfigInput => config;

export class ConfigFaulty extends Error {
  override name = 'ConfigFaulty';
}

/** The configuration with its defaults, or one error that lists every fault with its path. */
export const parseConfig = (input: unknown, file = 'mainstay.config.ts'): MainstayConfig =>
  parsed(configSchema, input, file);

/** One cluster with its defaults, or one error as above. What has been parsed before stays as it is. */
export const parseCluster = (input: unknown, file: string): ClusterConfig => parsed(clusterSchema, input, file);

interface Told {
  emails?: readonly string[];
  https?: readonly string[];
  webhooks?: readonly WebhookInput[];
}

/** The webhooks of a construct with their defaults, or one error as above; addresses may be tokens of the app. */
export function parseWebhooks({ emails = [], https = [], webhooks = [] }: Told, where: string): Webhook[] {
  const lonely = lonelyWebhooks(webhooks, [...emails, ...https]);
  if (lonely !== null) throw new ConfigFaulty(`${where} has 1 fault:\n  webhooks: ${lonely}`);
  return parsed(webhooksSchema, webhooks, `${where}, webhooks`);
}

function parsed<Schema extends z.ZodType>(schema: Schema, input: unknown, file: string): z.output<Schema> {
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  const faults = error.issues.map(({ path, message }) => `  ${where(path)}: ${message}`);
  throw new ConfigFaulty(`${file} has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.join('\n')}`);
}

/** What is allowed and seldom wise, each as a sentence. */
export const warningsOf = ({ name, vip }: ClusterConfig): string[] =>
  vip.kind === 'route53' && vip.ttlS > wiseTtlS
    ? [
        `${name}: with a ttlS of ${vip.ttlS} clients may go on to the old main's address for ${vip.ttlS} s after a move; 5 is usual, docs/vip.md has the arithmetic`,
      ]
    : [];

/** A record kept for longer outlasts the failover itself several times. */
const wiseTtlS = 30;

const where = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('') || '(file)';
