// Problems as RFC 9457 has them, with `code` and `next` of Mainstay's own. One table says which code has which status; what the
// command line refuses with exit code 3 is a 409 here, in the same words.

import { type CliCode, exitCodeOf, exitCodes, isCliCode } from '../desk/exit-codes';
import type { ApiResponse } from './http';

/** Problems that only requests have. */
export type ApiCode =
  | 'BadRequest'
  | 'NotSigned'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'Changed'
  | 'TooLarge'
  | 'NotJson'
  | 'KeyReused'
  | 'MatchMissing';

const own: Record<ApiCode, number> = {
  BadRequest: 400,
  NotSigned: 401,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Changed: 412,
  TooLarge: 413,
  NotJson: 415,
  KeyReused: 422,
  MatchMissing: 428,
};

/** By the exit code of the command line. The function's own role lacks a right: that is no fault of the caller. */
const byExitCode: Record<number, number> = {
  [exitCodes.failed]: 502,
  [exitCodes.usage]: 400,
  [exitCodes.refused]: 409,
  [exitCodes.notAuthorised]: 502,
  [exitCodes.unreachable]: 503,
};
const exceptions: Partial<Record<CliCode, number>> = { UnknownCluster: 404, UnknownNode: 404, Bug: 500 };

export interface Fault {
  in: 'path' | 'query' | 'header' | 'body';
  at: string;
  message: string;
}

export interface ApiProblem {
  code: ApiCode | CliCode;
  message: string;
  next: string;
  operation?: string;
  errors?: Fault[];
  headers?: Record<string, string>;
}

export const statusOf = (code: ApiProblem['code']): number =>
  isCliCode(code) ? (exceptions[code] ?? byExitCode[exitCodeOf(code)] ?? 500) : own[code];

export const problemBody = ({ code, message, next, operation, errors }: ApiProblem) => ({
  type: 'about:blank' as const,
  title: code,
  status: statusOf(code),
  detail: message,
  ...(operation === undefined ? {} : { instance: operation }),
  code,
  next,
  ...(errors === undefined ? {} : { errors }),
});

export function problemResponse(problem: ApiProblem): ApiResponse {
  const body = problemBody(problem);
  const retry: Record<string, string> = body.status === 503 ? { 'retry-after': '1' } : {};
  return {
    status: body.status,
    headers: { 'content-type': 'application/problem+json', ...retry, ...problem.headers },
    body: JSON.stringify(body),
  };
}

/** Ends the request; caught in handle.ts. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';
  constructor(readonly problem: ApiProblem) {
    super(problem.message);
  }
}

export const apiFailure = (
  code: ApiCode,
  message: string,
  next: string,
  more: Pick<ApiProblem, 'errors' | 'headers' | 'operation'> = {},
): ApiFailure => new ApiFailure({ code, message, next, ...more });
