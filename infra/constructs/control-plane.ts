// The control plane of one account and Region, without clusters: table, functions, state machines, triggers, SSM documents.
// Clusters are added with ProtectedCluster, here or in other stacks. Everything is named after the control plane, which is
// how the CLI, the agents and the rules find it; grants never list clusters, so that they do not grow with a fleet.

import { join } from 'node:path';
import { Aws, Stack } from 'aws-cdk-lib';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { type BrakeLimits, defaultBrake } from '../../core/brake';
import { plans } from '../../workflows/plans';
import { bundleFunctions } from '../bundle';
import { documents } from '../documents';
import type { Places } from '../grants';
import { Functions } from './functions';
import { leaseTable } from './lease-table';
import { installAgentDocument } from './node-agents';
import { RestApi } from './rest-api';
import { StateMachines } from './step-functions';
import { Triggers } from './triggers';
import { Watching, type WatchingProps } from './watching';

export interface ControlPlaneProps {
  /**
   * Names the table, the functions (`<name>-<step>`), the state machines (`<name>-<kind>`) and the documents; the CLI takes it
   * as --stack, agents as "table". One per account and Region.
   * @default the name of the stack
   */
  readonly name?: string;
  /**
   * Folder of each bundled function, by its name.
   * @default bundled with esbuild into build/functions
   */
  readonly functionDirs?: Record<string, string>;
  /**
   * How long the logs of functions and state machines are kept.
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: RetentionDays;
  /**
   * A KMS key of your own for the table; the stack must then say its Region (`env`).
   * @default the key that AWS manages for DynamoDB
   */
  readonly encryptionKey?: IKey;
  /**
   * DynamoDB refuses to delete the table. It is kept when the stack goes in any case.
   * @default false
   */
  readonly deletionProtection?: boolean;
  /**
   * Who is told, which alarms there are, where the runbook is.
   * @default nobody is told, lean alarms, a dashboard
   */
  readonly watching?: WatchingProps;
  /**
   * The REST API of docs/rest.md: an HTTP API that demands IAM on every route.
   * @default true
   */
  readonly restApi?: boolean;
  /**
   * How many clusters may fail over by themselves in one window before the next ones wait for a person (docs/storms.md).
   * @default 10, or half of all clusters when that is more, in 10 minutes
   */
  readonly brake?: BrakeLimits;
}

/** Tag by which the rights of the functions are bounded: its value is the control plane's name. */
export const controlPlaneTag = 'mainstay:control-plane';

export class ControlPlane extends Construct {
  readonly name: string;
  readonly table: TableV2;
  /** Names and ARNs that rights are made of. */
  readonly places: Places;
  readonly stateMachines: StateMachines;
  /** For rules of one's own: `triggers.add(…)`. */
  readonly triggers: Triggers;
  readonly functions: Functions;
  /** Topic, dead letters, alarms, dashboards. */
  readonly watching: Watching;
  /** null: there is none. */
  readonly restApi: RestApi | null;
  /** What State Manager runs to install agents. */
  readonly installDocument: CfnDocument;
  readonly brake: BrakeLimits;
  private readonly clusters = new Set<string>();

  constructor(scope: Construct, id: string, props: ControlPlaneProps = {}) {
    super(scope, id);
    this.name = props.name ?? Stack.of(this).stackName;
    this.brake = props.brake ?? defaultBrake;
    this.table = leaseTable(this, 'Table', {
      tableName: this.name,
      encryptionKey: props.encryptionKey,
      deletionProtection: props.deletionProtection ?? false,
    });
    for (const [name, content] of Object.entries(documents)) this.document(name, content);
    this.installDocument = installAgentDocument(this, this.name);
    this.places = placesOf(this.name, this.table, props);
    const logRetention = props.logRetention ?? RetentionDays.THREE_MONTHS;
    this.functions = new Functions(this, 'Functions', {
      name: this.name,
      dirs: props.functionDirs ?? bundleFunctions(join(__dirname, '..', '..', 'build', 'functions')),
      places: this.places,
      logRetention,
    });
    this.stateMachines = new StateMachines(this, 'StateMachines', {
      name: this.name,
      places: this.places,
      functions: this.functions,
      logRetention,
    });
    this.restApi =
      props.restApi === false
        ? null
        : new RestApi(this, 'RestApi', { name: this.name, handler: this.functions.of('api'), logRetention });
    this.watching = new Watching(this, 'Watching', this.name, props.watching ?? {});
    this.triggers = new Triggers(this, 'Triggers', {
      name: this.name,
      functions: this.functions,
      stateMachineArns: this.places.stateMachineArns,
      deadLetterQueue: this.watching.notifications.queue,
    });
    this.watching.watchPlane(this.functions, this.triggers, (kind) =>
      this.places.arn('states', `stateMachine:${this.name}-${kind}`),
    );
  }

  /** The function of a step, or one beside the steps: dispatch, sweep, configure. */
  functionOf(name: string): Lambda {
    return this.functions.of(name);
  }

  /** A cluster says that it is looked after here; two of one name would write one lease. */
  register(cluster: string): void {
    if (this.clusters.has(cluster)) throw new Error(`control plane ${this.name} has a cluster '${cluster}' already`);
    this.clusters.add(cluster);
  }

  private document(name: string, content: object): void {
    new CfnDocument(this, `Document-${name}`, {
      name: `${this.name}-${name}`,
      documentType: 'Command',
      updateMethod: 'NewVersion',
      content,
      tags: [{ key: controlPlaneTag, value: this.name }],
    });
  }
}

/** By name, not by reference: the functions are made before the state machines that call them. */
function placesOf(name: string, table: TableV2, { encryptionKey }: ControlPlaneProps): Places {
  const arn = (service: string, resource: string) =>
    `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
  const kinds = Object.keys(plans);
  return {
    name,
    tag: controlPlaneTag,
    tableName: table.tableName,
    tableArn: table.tableArn,
    ...(encryptionKey ? { keyArn: encryptionKey.keyArn } : {}),
    kinds,
    stateMachineArns: kinds.map((kind) => arn('states', `stateMachine:${name}-${kind}`)),
    settleArn: arn('states', `stateMachine:${name}-settle`),
    failbackArn: arn('states', `stateMachine:${name}-failback`),
    failoverArn: arn('states', `stateMachine:${name}-failover`),
    switchoverArn: arn('states', `stateMachine:${name}-switchover`),
    undeliveredArn: arn('sqs', `${name}-undelivered`),
    executionArns: kinds.map((kind) => arn('states', `execution:${name}-${kind}:*`)),
    pokeDocumentArn: arn('ssm', `document/${name}-poke`),
    busArn: arn('events', 'event-bus/default'),
    arn,
  };
}
