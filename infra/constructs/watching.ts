// What watches the watchers: dead letters, notices, alarms and dashboards of a control plane and of its clusters. Puts the rows of
// infra/alarms.ts and infra/dashboards.ts to work; starts nothing itself.

import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { ClusterConfig } from '../../core/model';
import { type AlarmMode, calledByEvents, clusterAlarms, nodeAlarms, type Plane, planeAlarms } from '../alarms';
import { parseWebhooks } from '../config';
import { clusterGraphs, planeGraphs } from '../dashboards';
import type { WebhookInput } from '../webhooks';
import { alarmsOf } from './alarms';
import { dashboardOf } from './dashboards';
import type { Functions } from './functions';
import { Notifications } from './notifications';
import type { Triggers } from './triggers';

export interface WatchingProps {
  /** Who is told by mail: addresses have to confirm. */
  readonly emails?: readonly string[];
  /** Who is told by HTTPS and understands what SNS sends: an endpoint that confirms its subscription. */
  readonly https?: readonly string[];
  /** Who is told by HTTPS with a notice as JSON: a chat, a pager. Needs somebody in emails or https beside it. */
  readonly webhooks?: readonly WebhookInput[];
  /**
   * lean: the control plane, and per cluster whether anybody renews its lease ($0.40 a month). full: each instance's three status checks
   * and silent agents as well ($1.70 for three nodes).
   * @default 'lean'
   */
  readonly alarms?: AlarmMode;
  /**
   * Where your people read the runbook; alarms and notices link to `<url>#<section>`.
   * @default docs/runbook.md
   */
  readonly runbookUrl?: string;
  /**
   * A dashboard of the control plane.
   * @default true
   */
  readonly dashboard?: boolean;
}

export interface ClusterWatchingProps {
  /** @default what the control plane has */
  readonly alarms?: AlarmMode;
  /**
   * A dashboard of its own: $3 a month beyond the account's first three.
   * @default false
   */
  readonly dashboard?: boolean;
}

export class Watching extends Construct {
  readonly notifications: Notifications;
  readonly runbookUrl: string;
  private readonly mode: AlarmMode;

  constructor(
    scope: Construct,
    id: string,
    private readonly plane: string,
    private readonly props: WatchingProps,
  ) {
    super(scope, id);
    this.mode = props.alarms ?? 'lean';
    this.runbookUrl = props.runbookUrl ?? 'docs/runbook.md';
    const { emails = [], https = [] } = props;
    const webhooks = parseWebhooks(props, `watching of ${plane}`);
    const notices = { name: plane, emails, https, webhooks, runbookUrl: this.runbookUrl };
    this.notifications = new Notifications(this, 'Notifications', notices);
  }

  /** Once the functions and the rules are there. */
  watchPlane(functions: Functions, triggers: Triggers, stateMachineArn: Plane['stateMachineArn']): void {
    const { queue, topic } = this.notifications;
    const plane: Plane = {
      name: this.plane,
      stateMachineArn,
      failureRule: triggers.failure.ruleName,
      queueName: queue.queueName,
      topicName: topic.topicName,
    };
    for (const name of calledByEvents) this.notifications.keepUndelivered(functions.of(name));
    functions.of('heartbeats').addEnvironment('MAINSTAY_ALARMS', this.mode);
    const alarms = this.alarms(new Construct(this, 'Alarms'), planeAlarms(plane));
    if (this.props.dashboard ?? true) dashboardOf(this, 'Dashboard', this.plane, alarms, planeGraphs(plane));
  }

  watchCluster(scope: Construct, { name, nodes }: ClusterConfig, props: ClusterWatchingProps): void {
    const mode = props.alarms ?? this.mode;
    const own = new Construct(scope, 'Alarms');
    const alarms = this.alarms(own, clusterAlarms(this.plane, name, mode), { cluster: name });
    if (mode === 'full')
      for (const node of nodes) {
        const rows = nodeAlarms(name, node.name, node.instanceId);
        alarms.push(...this.alarms(new Construct(own, node.name), rows, { cluster: name, node: node.name }));
      }
    if (props.dashboard)
      dashboardOf(scope, 'Dashboard', `${this.plane}-${name}`, alarms, clusterGraphs(this.plane, name, nodes));
  }

  private alarms(scope: Construct, rows: Parameters<typeof alarmsOf>[1], whom = {}): Alarm[] {
    const { runbookUrl, notifications } = this;
    return alarmsOf(scope, rows, { controlPlane: this.plane, topic: notifications.topic, runbookUrl, ...whom });
  }
}
