// What each path of the node's REST API answers. /rest/ha/status is seed 000's contract: a token, MAIN or BACKUP, and a POST that
// starts the real operation. The other paths are for load balancers: no token, no secret, a status code and a small document.

import { type Role, roles } from '../../core/change';
import type { Problem } from '../../core/errors';
import type { Clock } from '../../core/ports';
import type { ChangeDesk } from './change-desk';
import { Bucket, Buckets } from './rate';
import { isAlive, isHealthy, isMain, isReady, isReplica, roleOf, type Standing, told } from './standing';

/** A poll every 200 ms and some to spare; nobody types faster. */
const CALLS = { burst: 20, perSecond: 5 };
/** A token has 32 letters or more: whoever fails so often does not know it. */
const FAILURES = { burst: 10, perSecond: 0.2 };
const MOST_ADDRESSES = 1000;

export interface RestRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  /** Address of the caller. */
  from: string;
}

export interface RestAnswer {
  status: number;
  type: 'text/plain' | 'application/json' | 'application/problem+json';
  body: string;
  headers?: Record<string, string>;
}

export interface AnswerParts {
  clock: Pick<Clock, 'nowMs'>;
  standing: () => Standing;
  /** Behind the main's last report, in bytes; null when it cannot be told. Bounded. */
  lagBytes: () => Promise<number | null>;
  desk: Pick<ChangeDesk, 'ask'>;
  /** Whether the header shows the token; compares in constant time. */
  isKnown: (authorization: string | undefined) => boolean;
}

type Check = (
  standing: Standing,
  request: RestRequest,
) => Promise<{ good: boolean; lagBytes: number | null } | Problem>;
type Answers = (request: RestRequest) => Promise<RestAnswer>;

/** RFC 9457; `code` and `next` are Mainstay's own. */
export const problemAnswer = (
  status: number,
  { code, message, next }: Problem,
  headers?: Record<string, string>,
): RestAnswer => ({
  status,
  type: 'application/problem+json',
  body: `${JSON.stringify({ type: 'about:blank', title: code, status, detail: message, code, next })}\n`,
  ...(headers ? { headers } : {}),
});

export function createAnswers(parts: AnswerParts): Answers {
  const checks: Record<string, Check> = checksOf(parts);
  const guard = createGuard(parts);
  return async (request) => {
    const judge = Object.hasOwn(checks, request.path) ? checks[request.path] : undefined;
    if (judge) return checked(parts, judge, request);
    // Before anything is said of /rest, the token is asked for.
    const refused = guard(request);
    if (refused) return refused;
    if (request.path === '/rest/ha/status') return status(parts, request);
    return problemAnswer(404, { code: 'NotFound', message: 'there is nothing at this path', next: 'see docs/rest.md' });
  };
}

// ---- checks for load balancers

const plain =
  (judge: (standing: Standing) => boolean): Check =>
  async (standing) => ({ good: judge(standing), lagBytes: null });

export const checkPaths = ['/primary', '/master', '/leader', '/replica', '/health', '/liveness', '/readiness'] as const;

function checksOf({ standing, lagBytes }: AnswerParts): Record<(typeof checkPaths)[number], Check> {
  const replica: Check = async (now, { query }) => {
    const limit = query.get('lag');
    if (limit === null) return { good: isReplica(now), lagBytes: null };
    if (!/^\d{1,15}$/.test(limit))
      return usage(`lag=${limit.slice(0, 40)} is not a number of bytes`, 'ask for example /replica?lag=1048576');
    if (!isReplica(now)) return { good: false, lagBytes: null };
    const behind = await lagBytes();
    return { good: isReplica(standing()) && behind !== null && behind <= Number(limit), lagBytes: behind };
  };
  const main = plain(isMain);
  return {
    '/primary': main,
    '/master': main,
    '/leader': main,
    '/replica': replica,
    '/health': plain(isHealthy),
    '/liveness': plain(isAlive),
    '/readiness': plain(isReady),
  };
}

async function checked({ standing }: AnswerParts, judge: Check, request: RestRequest): Promise<RestAnswer> {
  if (!['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return notAllowed('GET, HEAD, OPTIONS');
  const verdict = await judge(standing(), request);
  if ('code' in verdict) return problemAnswer(400, verdict);
  const body = `${JSON.stringify(told(standing(), verdict.lagBytes))}\n`;
  return { status: verdict.good ? 200 : 503, type: 'application/json', body };
}

// ---- who may ask

/** The refusal, or null: the caller has shown the token and is not too fast. */
function createGuard({ clock, isKnown }: AnswerParts): (request: RestRequest) => RestAnswer | null {
  const calls = new Bucket(clock, CALLS);
  const failures = new Buckets(clock, FAILURES, MOST_ADDRESSES);
  return ({ authorization, from }) => {
    const lockedMs = failures.waitMs(from);
    if (lockedMs > 0) return tooMany(lockedMs);
    if (!isKnown(authorization)) {
      failures.take(from);
      return notKnown;
    }
    const waitMs = calls.waitMs();
    if (waitMs > 0) return tooMany(waitMs);
    calls.take();
    return null;
  };
}

/** The same whatever was wrong. */
const notKnown = problemAnswer(
  401,
  { code: 'NotAuthorised', message: 'not authorised', next: 'see docs/rest.md' },
  { 'www-authenticate': 'token' },
);

// ---- seed 000's contract

const statusOfCode: Record<string, number> = { Unreachable: 503, Refused: 503, Broken: 503 };

async function status({ standing, desk }: AnswerParts, request: RestRequest): Promise<RestAnswer> {
  if (request.method === 'GET' || request.method === 'HEAD') return role(roleOf(standing()));
  if (request.method !== 'POST') return notAllowed('GET, HEAD, POST');
  const change = request.query.getAll('change');
  const [wanted] = change;
  if (change.length !== 1 || !isRole(wanted))
    return problemAnswer(
      400,
      usage('change must be given once, as MAIN or BACKUP', 'POST /rest/ha/status?change=MAIN'),
    );
  const asked = await desk.ask(standing(), wanted, request.from);
  if (!asked.ok) return problemAnswer(statusOfCode[asked.error.code] ?? 409, asked.error);
  const { operation } = asked.value;
  return role(roleOf(standing()), operation === null ? {} : { 'mainstay-operation': operation });
}

const isRole = (text: string | undefined): text is Role => roles.some((role) => role === text);
const usage = (message: string, next: string): Problem => ({ code: 'Usage', message, next });

const role = (now: Role, headers: Record<string, string> = {}): RestAnswer => ({
  status: 200,
  type: 'text/plain',
  body: now,
  headers,
});

const notAllowed = (allow: string): RestAnswer =>
  problemAnswer(
    405,
    { code: 'MethodNotAllowed', message: 'this path does not know the method', next: `use ${allow}` },
    { allow },
  );

const tooMany = (waitMs: number): RestAnswer =>
  problemAnswer(
    429,
    { code: 'TooManyRequests', message: 'too many requests', next: 'wait as long as Retry-After says' },
    { 'retry-after': String(Math.ceil(waitMs / 1000)) },
  );
