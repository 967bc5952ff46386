// Where people are told, and where lies what could not be delivered: one encrypted topic for notices and alarms, one dead-letter queue for
// events and notices. Must never lose a notice silently: what the topic does not take lies in the queue, and the queue rings (T47).

import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { EventBus, EventField, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnEventInvokeConfig, type Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { noticeSections } from '../../core/runbook';
import { eventSource } from '../../core/triggers';
import type { Webhook } from '../webhooks';
import { delivery, Webhooks } from './webhooks';

export interface NotificationsProps {
  /** Of the control plane. */
  name: string;
  emails: readonly string[];
  https: readonly string[];
  webhooks: readonly Webhook[];
  runbookUrl: string;
}

export class Notifications extends Construct {
  readonly topic: Topic;
  /** Of the dead letters. */
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: NotificationsProps) {
    super(scope, id);
    this.queue = new Queue(this, 'Undelivered', {
      queueName: `${props.name}-undelivered`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'it is the dead-letter queue: of rules, functions and subscriptions, which the rule does not look at',
    });
    this.topic = this.createTopic(props);
    for (const email of props.emails) this.topic.addSubscription(new EmailSubscription(email));
    for (const url of props.https)
      this.topic.addSubscription(new UrlSubscription(url, { deadLetterQueue: this.queue }));
    this.rules(props);
  }

  /** What a function that is called by events could not do after all its tries. */
  keepUndelivered(fn: Lambda): void {
    new CfnEventInvokeConfig(fn, 'Undelivered', {
      functionName: fn.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 600,
      destinationConfig: { onFailure: { destination: this.queue.queueArn } },
    });
  }

  /** CloudWatch and EventBridge cannot use the key that AWS manages for SNS, so this is one of our own: $1 a month. */
  private createTopic({ name }: NotificationsProps): Topic {
    const key = new Key(this, 'Key', {
      description: `Notices of ${name}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const topic = new Topic(this, 'Topic', { topicName: `${name}-notices`, masterKey: key, enforceSSL: true });
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    });
    // EventBridge takes no conditions here.
    for (const principal of [cloudWatch, new ServicePrincipal('events.amazonaws.com')])
      key.grantEncryptDecrypt(principal);
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        effect: Effect.ALLOW,
        principals: [cloudWatch],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
      }),
    );
    return topic;
  }

  /** A sentence that can be read on a telephone: which cluster, what, what next, and where the runbook goes on. */
  private rules({ name, runbookUrl, webhooks }: NotificationsProps): void {
    const hooks = new Webhooks(this, 'Webhooks', name, webhooks, this.queue);
    const eventBus = EventBus.fromEventBusName(this, 'Bus', 'default');
    const field = (name: string) => EventField.fromPath(`$.detail.${name}`);
    const noticeOf = (cluster: string, because: string, next: string, section: string) => {
      const [type, runbook] = [EventField.fromPath('$.detail-type'), `${runbookUrl}#${section}`];
      const text = `${type}: ${cluster}: ${because}. Next: ${next}. ${runbook}`;
      return { text, cluster, type, because, next, runbook };
    };
    const tell = (rule: Rule, { text }: { text: string }, toWebhooks: object) => {
      rule.addTarget(new SnsTopic(this.topic, { message: RuleTargetInput.fromText(text), ...delivery(this.queue) }));
      for (const target of hooks.targets(RuleTargetInput.fromObject(toWebhooks))) rule.addTarget(target);
    };
    const notices = new Rule(this, 'Notices', {
      description: 'Tells people how an operation has ended, and what needs them',
      eventBus,
      eventPattern: { source: [eventSource()], detailType: ['Attention Needed', 'Operation Ended'] },
    });
    const own = noticeOf(field('cluster'), field('because'), field('next'), field('section'));
    tell(notices, own, own);
    // A node may write what it likes in the detail; its source is what IAM lets it use. Its words are text for people, and no part of JSON,
    // in which a quotation mark of its own could begin another cluster's notice.
    const nodeNotices = new Rule(this, 'NodeNotices', {
      description: 'Tells people what a node says that needs them, in the name of its own cluster',
      eventBus,
      eventPattern: { source: Match.prefix(`${eventSource()}.`), detailType: ['Attention Needed'] },
    });
    const source = EventField.fromPath('$.source');
    const { replication } = noticeSections;
    tell(
      nodeNotices,
      noticeOf(source, field('because'), field('next'), replication),
      noticeOf(source, 'commits wait no longer for a backup', 'mainstay ls', replication),
    );
  }
}
