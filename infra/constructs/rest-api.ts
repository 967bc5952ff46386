// The control plane's REST API: an HTTP API with a route for each row of api/routes.ts, IAM on every one of them, an access log and a
// limit of requests. Must never have a route without IAM: the function takes the caller's name from the gateway.

import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allRoutes } from '../../api/routes';

export interface RestApiProps {
  /** Name of the control plane; the API has the same. */
  name: string;
  handler: Lambda;
  logRetention: RetentionDays;
}

/** Of all callers together; a fleet's dashboards read every few seconds. Beyond it the gateway answers 429. */
const throttle = { rateLimit: 50, burstLimit: 100 };

/** Who did what, when, and how it ended; no header and no body, which may hold a reason in a person's words. */
const logged = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  who: '$context.identity.userArn',
  from: '$context.identity.sourceIp',
  route: '$context.routeKey',
  path: '$context.path',
  status: '$context.status',
  ms: '$context.responseLatency',
  error: '$context.error.message',
};

export class RestApi extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { name, handler, logRetention }: RestApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', {
      apiName: name,
      description: `Mainstay control plane ${name}`,
      createDefaultStage: false,
      defaultAuthorizer: new HttpIamAuthorizer(),
    });
    // One permission for all routes, bounded by this API.
    const integration = new HttpLambdaIntegration('Handler', handler, { scopePermissionToRoute: false });
    for (const [, { method, path }] of allRoutes) api.addRoutes({ path, methods: [HttpMethod[method]], integration });
    const logGroup = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/${name}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(logged)),
      },
    });
    this.url = stage.url;
  }
}
