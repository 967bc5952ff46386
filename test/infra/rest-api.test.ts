// The REST API in the template: every route of the document and no other, IAM on each, limits and an access log.

import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { allRoutes } from '../../api/routes';
import { ControlPlane } from '../../infra/constructs/control-plane';
import { stubFunctions } from '../../infra/stub-functions';

const functions = stubFunctions();
afterAll(functions.remove);

function template(restApi?: boolean): Template {
  const stack = new Stack(new App(), 'mainstay');
  new ControlPlane(stack, 'Mainstay', { functionDirs: functions.dirs, ...(restApi === undefined ? {} : { restApi }) });
  return Template.fromStack(stack);
}

const whole = template();
const routesOf = (of: Template) =>
  Object.values(of.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => Properties);

test('there is a route for each operation of docs/openapi.json, and no catch-all', () => {
  expect(
    routesOf(whole)
      .map(({ RouteKey }) => RouteKey)
      .sort(),
  ).toEqual(allRoutes.map(([, { method, path }]) => `${method} ${path}`).sort());
});

test('every route demands IAM', () => {
  expect(new Set(routesOf(whole).map(({ AuthorizationType }) => AuthorizationType))).toEqual(new Set(['AWS_IAM']));
});

test('requests are limited and logged with who has asked, and without headers', () => {
  whole.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    StageName: '$default',
    DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    AccessLogSettings: {
      DestinationArn: Match.anyValue(),
      Format: Match.stringLikeRegexp('"who":"\\$context.identity.userArn"'),
    },
  });
  expect(JSON.stringify(whole.findResources('AWS::ApiGatewayV2::Stage'))).not.toMatch(/authorization|header/i);
});

test('only this API may call the function', () => {
  const permissions = Object.values(whole.findResources('AWS::Lambda::Permission')).filter(
    ({ Properties }) => Properties.Principal === 'apigateway.amazonaws.com',
  );
  expect(permissions).toHaveLength(1);
  expect(JSON.stringify(permissions[0]?.Properties.SourceArn)).toContain('execute-api');
});

test('who does not want it has none', () => {
  expect(routesOf(template(false))).toEqual([]);
  template(false).resourceCountIs('AWS::ApiGatewayV2::Api', 0);
});
