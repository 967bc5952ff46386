// A request in, a response out: finds the route, checks who asks and what, lets the handler of the route answer, and turns every
// problem into problem+json. Reads no clock and no environment; everything it touches is the desk.

import type { z } from 'zod';
import type { Desk } from '../desk/desk';
import { Failure } from '../desk/problems';
import { handlers } from './handlers';
import type { ApiRequest, ApiResponse } from './http';
import { ApiFailure, type ApiProblem, apiFailure, type Fault, problemResponse } from './problems';
import { allRoutes, type Route, type RouteId } from './routes';

/** Many times the longest body that means something. */
const MOST_BODY_BYTES = 8192;

/** What a handler is given: everything in it has the shape that the route says. */
export interface Call {
  desk: Desk;
  who: string;
  params: Record<string, string>;
  query: Record<string, unknown>;
  headers: Record<string, string | undefined>;
  body: unknown;
}

export interface Answered {
  status: number;
  body: unknown;
  /** Instead of the body as JSON; then the headers say what it is. */
  text?: string;
  headers?: Record<string, string>;
}

export type Handler = (call: Call) => Promise<Answered>;

/** Hears of what is a fault of ours. */
export type OnBug = (error: unknown, request: ApiRequest) => void;

export async function handle(desk: Desk, request: ApiRequest, onBug: OnBug): Promise<ApiResponse> {
  const response = await answered(desk, request, onBug);
  return {
    ...response,
    headers: {
      ...response.headers,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': request.requestId,
    },
  };
}

async function answered(desk: Desk, request: ApiRequest, onBug: OnBug): Promise<ApiResponse> {
  try {
    const { id, route, params } = routeOf(request);
    const call = checked(route, params, request);
    const { status, body, text, headers = {} } = await handlers[id]({ desk, ...call });
    return { status, headers: { 'content-type': 'application/json', ...headers }, body: text ?? JSON.stringify(body) };
  } catch (error) {
    return problemResponse(problemFrom(error, request, onBug));
  }
}

function problemFrom(error: unknown, request: ApiRequest, onBug: OnBug): ApiProblem {
  if (error instanceof ApiFailure || error instanceof Failure) return error.problem;
  onBug(error, request);
  return {
    code: 'Bug',
    message: 'this is a fault of mainstay',
    next: `report it with the function's log of request ${request.requestId}`,
  };
}

// ---- the route

const patterns = allRoutes.map(([id, route]) => ({
  ...{ id, route },
  pattern: new RegExp(`^${route.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}));

function routeOf({ method, path }: ApiRequest): { id: RouteId; route: Route; params: Record<string, string> } {
  const there = patterns.flatMap(({ id, route, pattern }) => {
    const match = pattern.exec(path);
    return match ? [{ id, route, params: decoded(match.groups ?? {}) }] : [];
  });
  const found = there.find(({ route }) => route.method === method);
  if (found) return found;
  if (there.length === 0) throw apiFailure('NotFound', 'there is nothing at this path', 'see docs/openapi.json');
  const allow = there.map(({ route }) => route.method).join(', ');
  throw apiFailure('MethodNotAllowed', `this path does not know ${method.slice(0, 20)}`, `use ${allow}`, {
    headers: { allow },
  });
}

/** A segment that is no UTF-8 is kept as it came: its shape refuses it. */
function decoded(groups: Record<string, string>): Record<string, string> {
  const one = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, one(text)]));
}

// ---- the request

function checked(route: Route, params: Record<string, string>, request: ApiRequest): Omit<Call, 'desk'> {
  const { who, headers, query } = request;
  if (who === null)
    throw apiFailure('NotSigned', 'the request names no IAM principal', 'sign it (AWS Signature Version 4)');
  const faults: Fault[] = [];
  const call = {
    who,
    params: shaped(route.params, params, 'path', faults) as Record<string, string>,
    query: shaped(route.query, query, 'query', faults),
    headers: shaped(route.headers, headers, 'header', faults) as Record<string, string | undefined>,
    body: bodyOf(route, request, faults),
  };
  for (const name of Object.keys(query).filter((given) => !Object.hasOwn(route.query, given)))
    faults.push({ in: 'query', at: name.slice(0, 50), message: 'this path does not know it' });
  if (faults.length === 0) return call;
  const all = faults.map((fault) => `${fault.in} ${fault.at}: ${fault.message}`).join('; ');
  throw apiFailure(
    'BadRequest',
    `the request has ${faults.length} fault${faults.length === 1 ? '' : 's'}: ${all}`,
    'mend it; docs/openapi.json has the shapes',
    {
      errors: faults,
    },
  );
}

function shaped(
  shapes: Record<string, z.ZodType>,
  given: Record<string, string>,
  place: Fault['in'],
  faults: Fault[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const parsed = shape.safeParse(Object.hasOwn(given, name) ? given[name] : undefined);
    if (parsed.success) values[name] = parsed.data;
    else faults.push({ in: place, at: name, message: parsed.error.issues[0]?.message ?? 'is wrong' });
  }
  return values;
}

function bodyOf({ body: shape }: Route, { body, headers }: ApiRequest, faults: Fault[]): unknown {
  if (body !== null && Buffer.byteLength(body) > MOST_BODY_BYTES)
    throw apiFailure('TooLarge', `a body has ${MOST_BODY_BYTES} bytes at most`, 'send a shorter one');
  if (shape === undefined) {
    if (body !== null && body !== '') faults.push({ in: 'body', at: '(body)', message: 'this path takes none' });
    return undefined;
  }
  if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? ''))
    throw apiFailure('NotJson', 'the body must be JSON', 'send it with Content-Type: application/json');
  const parsed = shape.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues)
    faults.push({ in: 'body', at: path.map(String).join('.') || '(body)', message });
  return undefined;
}

function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
