// Notices by HTTPS to whoever takes JSON in a POST: a chat, a pager. API destinations of EventBridge, as further targets of the rules that
// feed the topic. Must never have a secret in the template, nor lose a notice silently: what is not taken lies in the queue that rings (T47).

import { Duration, SecretValue } from 'aws-cdk-lib';
import {
  Authorization,
  Connection,
  ApiDestination as Destination,
  type IRuleTarget,
  type RuleTargetInput,
} from 'aws-cdk-lib/aws-events';
import { ApiDestination } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { SecretReference, Webhook } from '../webhooks';

/** Of one notice, to the topic as to a webhook. */
export const delivery = (deadLetterQueue: IQueue) => ({
  deadLetterQueue,
  retryAttempts: 10,
  maxEventAge: Duration.hours(1),
});

const secretOf = ({ secret, field }: SecretReference): SecretValue =>
  SecretValue.secretsManager(secret, field === undefined ? {} : { jsonField: field });

/** A connection has a header in any case; without a key it says who calls. */
const authorization = (plane: string, { key, header }: Webhook): Authorization =>
  key
    ? Authorization.apiKey(header, secretOf(key))
    : Authorization.apiKey('X-Mainstay', SecretValue.unsafePlainText(plane));

export class Webhooks extends Construct {
  private readonly destinations: Destination[];

  constructor(
    scope: Construct,
    id: string,
    plane: string,
    webhooks: readonly Webhook[],
    private readonly queue: IQueue,
  ) {
    super(scope, id);
    this.destinations = webhooks.map((webhook) => {
      const own = new Construct(this, webhook.name);
      const { url, perSecond } = webhook;
      return new Destination(own, 'Destination', {
        apiDestinationName: `${plane}-${webhook.name}`,
        connection: new Connection(own, 'Connection', {
          connectionName: `${plane}-${webhook.name}`,
          authorization: authorization(plane, webhook),
        }),
        // The token is resolved by CloudFormation: the template has a reference only.
        endpoint: typeof url === 'string' ? url : secretOf(url).unsafeUnwrap(),
        rateLimitPerSecond: perSecond,
      });
    });
  }

  /** One target for each webhook. */
  targets(event: RuleTargetInput): IRuleTarget[] {
    return this.destinations.map((destination) => new ApiDestination(destination, { event, ...delivery(this.queue) }));
  }
}
