// The OpenAPI 3.1 document of the control plane's REST API, made of the routes and shapes that the code itself goes by. Printed to
// docs/openapi.json by `npm run docs`.

import { z } from 'zod';
import { components } from '../desk/shapes';
import packageJson from '../package.json';
import { allRoutes, commonProblems, everywhere, type Route, type RouteId } from './routes';
import { problem } from './schemas';

const uri = (id: string): string => `#/components/schemas/${id}`;

/** Shapes that have a name are referred to, others are written out. `io`: as it is sent, or as it comes back. */
function schemaOf(shape: z.ZodType, io: 'input' | 'output'): object {
  const id = components.get(shape)?.id;
  if (id !== undefined) return { $ref: uri(id) };
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io }) as Record<string, unknown>;
  return schema;
}

/** The registry gives each shape an `$id` of its own, which would change what references below it mean. */
function namedSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(components, { uri, io: 'input' });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [
      id,
      id.endsWith('Request') ? schema : (openSchema(schema) as object),
    ]),
  );
}

/** Answers may be given more fields one day: whoever reads them must not refuse what he does not know. */
export function openSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(openSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => key !== 'additionalProperties' || value !== false);
  return Object.fromEntries(kept.map(([key, value]) => [key, openSchema(value)]));
}

/** OpenAPI tells it by the types of the answers. */
const withoutAccept = ({ accept: _, ...headers }: Route['headers']) => headers;

const parametersOf = ({ params, query, headers }: Route) =>
  Object.entries({ path: params, query, header: withoutAccept(headers) }).flatMap(([place, shapes]) =>
    Object.entries(shapes).map(([name, shape]) => ({
      name: place === 'header' ? name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()) : name,
      in: place,
      required: place === 'path' || !shape.safeParse(undefined).success || name === 'if-match',
      schema: schemaOf(shape, 'input'),
    })),
  );

const problemAnswers = ({ problems, body }: Route) =>
  [...new Set([...everywhere, ...problems])]
    .filter((status) => body !== undefined || status !== 413)
    .sort()
    .map((status) => [
      status,
      {
        description: commonProblems[status],
        content: { 'application/problem+json': { schema: schemaOf(problem, 'output') } },
      },
    ]);

function operationOf(id: RouteId, route: Route): object {
  const good = Object.entries(route.answers).map(([status, { description, shape, markdown, headers = {} }]) => [
    status,
    {
      description,
      ...(Object.keys(headers).length === 0
        ? {}
        : {
            headers: Object.fromEntries(
              Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
            ),
          }),
      content: {
        'application/json': { schema: schemaOf(shape, 'output') },
        ...(markdown ? { 'text/markdown': { schema: { type: 'string' } } } : {}),
      },
    },
  ]);
  return {
    operationId: id,
    summary: route.summary,
    parameters: parametersOf(route),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } },
        }),
    responses: Object.fromEntries([...good, ...problemAnswers(route)]),
  };
}

export function openapiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [id, route] of allRoutes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(id, route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mainstay',
      version: packageJson.version,
      summary: 'The control plane: clusters, operations, holds, policies, history',
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [
      {
        url: 'https://{api}.execute-api.{region}.amazonaws.com',
        description: 'The stack’s output ApiUrl',
        variables: { api: { default: 'api-id' }, region: { default: 'us-east-1' } },
      },
    ],
    security: [{ iam: [] }],
    paths,
    components: {
      schemas: namedSchemas(),
      securitySchemes: {
        iam: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'AWS Signature Version 4, service execute-api',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
}

export const openapiText = (): string => `${JSON.stringify(openapiDocument(), null, 2)}\n`;
