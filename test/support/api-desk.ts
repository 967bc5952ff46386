// The REST API over memory: cluster alpha as the command line's tests have it, and Step Functions as AWS describes StartExecution: a name
// that runs with the same input is the same execution, any other use of it is refused.

import { refused } from '../../adapters/problems';
import type { AnswerOf } from '../../api/client-types';
import { handle } from '../../api/handle';
import type { ApiRequest, ApiResponse } from '../../api/http';
import { type Route, type RouteId, routes } from '../../api/routes';
import { problem as problemShape } from '../../api/schemas';
import { fail, ok } from '../../core/result';
import type { Desk } from '../../desk/desk';
import type { Execution, Operations } from '../../desk/operations';
import { type Bench, createBench, healthy } from '../unit/cli/support';
import { called } from './surface';

export const ann = 'arn:aws:sts::000000000000:assumed-role/Operators/ann';
export const bob = 'arn:aws:sts::000000000000:assumed-role/Operators/bob';

export interface StartedOperations extends Operations {
  executions: Map<string, Execution>;
}

export function createStepFunctionsInMemory(): StartedOperations {
  const executions = new Map<string, Execution>();
  return {
    executions,
    start: async (kind, name, input) => {
      const text = JSON.stringify(input);
      const there = executions.get(name);
      const same = there?.status === 'RUNNING' && there.input === text && there.kind === kind;
      if (there && !same) return fail(refused('states:StartExecution: ExecutionAlreadyExists', 'look at it'));
      executions.set(name, there ?? { status: 'RUNNING', kind, input: text });
      return ok(undefined);
    },
    describe: async (name) => ok(executions.get(name) ?? null),
  };
}

export interface ApiBench extends Bench {
  desk: Desk;
  started: Map<string, Execution>;
  bugs: unknown[];
  /** `PUT /v1/…`, with a JSON body or a text. */
  call(line: string, change?: CallChange): Promise<ApiReply>;
  /** The same, whatever type the answer is of. */
  respond(line: string, change?: CallChange): Promise<ApiResponse>;
}

type CallChange = Partial<Omit<ApiRequest, 'body'>> & { body?: unknown };

export interface ApiReply extends ApiResponse {
  json: Record<string, unknown>;
}

export async function createApiBench(change: Partial<Desk> = {}): Promise<ApiBench> {
  const bench = await healthy(createBench());
  const operations = createStepFunctionsInMemory();
  const desk: Desk = { ...bench.desk, operations, ...change };
  const bugs: unknown[] = [];
  const respond: ApiBench['respond'] = async (line, { body, ...given } = {}) => {
    const [method = '', target = ''] = line.split(' ');
    const [path = '', query = ''] = target.split('?');
    const request: ApiRequest = {
      ...{ method, path, query: Object.fromEntries(new URLSearchParams(query)) },
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      who: ann,
      requestId: 'request-1',
      ...given,
    };
    const response = await bench.clock.until(handle(desk, request, (error) => bugs.push(error)));
    called('api', `${method} ${path}`, response.status);
    return response;
  };
  const call: ApiBench['call'] = async (line, given) => {
    const response = await respond(line, given);
    return { ...response, json: JSON.parse(response.body) };
  };
  return { ...bench, desk, started: operations.executions, bugs, call, respond };
}

/** The answer has exactly the shape that the document has for this route and status. */
export function asPromised<Id extends RouteId>(id: Id, reply: ApiReply): AnswerOf<Id> {
  const route: Route = routes[id];
  const answer = route.answers[reply.status];
  expect({ id, status: reply.status, body: reply.json, known: answer !== undefined }).toMatchObject({ known: true });
  expect(reply.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  for (const name of Object.keys(answer?.headers ?? {})) expect(reply.headers).toHaveProperty(name);
  expect(answer?.shape.parse(reply.json)).toEqual(reply.json);
  return reply.json as AnswerOf<Id>;
}

/** A problem as RFC 9457 has it, whose status is that of its code. */
export function refusal(reply: ApiReply): { status: number; code: string; detail: string; next: string } {
  expect(reply.headers['content-type']).toBe('application/problem+json');
  const body = problemShape.parse(reply.json);
  expect([body.status, body.title]).toEqual([reply.status, body.code]);
  expect(body.next).not.toBe('');
  return body;
}
