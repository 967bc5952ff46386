// The REST API over memory: cluster alpha as the command line's tests have it, and Step Functions as AWS describes StartExecution: a name
// that runs with the same input is the same execution, any other use of it is refused.

import { refused } from '../../adapters/problems';
import { handle } from '../../api/handle';
import type { ApiRequest, ApiResponse } from '../../api/http';
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
  call(line: string, change?: Partial<Omit<ApiRequest, 'body'>> & { body?: unknown }): Promise<ApiReply>;
}

export interface ApiReply extends ApiResponse {
  json: Record<string, unknown>;
}

export async function createApiBench(change: Partial<Desk> = {}): Promise<ApiBench> {
  const bench = await healthy(createBench());
  const operations = createStepFunctionsInMemory();
  const desk: Desk = { ...bench.desk, operations, ...change };
  const bugs: unknown[] = [];
  const call: ApiBench['call'] = async (line, { body, ...given } = {}) => {
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
    return { ...response, json: JSON.parse(response.body) };
  };
  return { ...bench, desk, started: operations.executions, bugs, call };
}
