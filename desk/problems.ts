// Problems inside the command line: thrown where they are met, caught once in program.ts, and printed in one shape.
// Here an answer of the outside gets the sentence that an operator at a terminal needs.

import type { Problem } from '../core/errors';
import type { Result } from '../core/result';
import { type CliCode, isCliCode } from './exit-codes';

export interface CliProblem extends Problem<CliCode> {
  /** The execution that the problem belongs to. */
  operation?: string;
}

/** Ends the command: every expected problem of a command travels as this and is caught in program.ts. */
export class Failure extends Error {
  override name = 'Failure';

  /** `shown`: the command has printed it already; only the exit code is left to give. */
  constructor(
    readonly problem: CliProblem,
    readonly shown = false,
  ) {
    super(problem.message);
  }
}

export const failure = (code: CliCode, message: string, next: string, operation?: string): Failure =>
  new Failure({ code, message, next, ...(operation === undefined ? {} : { operation }) });

/** The value, or the end of the command. */
export function must<T>(result: Result<T, Problem>): T {
  if (result.ok) return result.value;
  throw new Failure(asCliProblem(result.error));
}

const asCliProblem = (problem: Problem): CliProblem => ({
  ...problem,
  code: isCliCode(problem.code) ? problem.code : 'Broken',
});

const noCredentials = /^CredentialsProviderError$/;
const notAllowed =
  /^(AccessDenied(Exception)?|UnauthorizedOperation|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|ExpiredToken(Exception)?|MissingAuthenticationToken)$/;

export interface Place {
  stack: string;
  /** Endpoint or region, as the operator set it. */
  where: string;
}

/** The same problem in the words of the one who typed the command: credentials, permission, no such stack, no answer. */
export function explained(problem: CliProblem, { stack, where }: Place): CliProblem {
  const error = String(problem.details?.error ?? '');
  const at = `stack '${stack}' at ${where}`;
  const say = (code: CliCode, message: string, next: string): CliProblem => ({ ...problem, code, message, next });
  if (noCredentials.test(error))
    return say('NotAuthorised', `no AWS credentials were found for ${at}`, 'log in (aws sso login) or set AWS_PROFILE');
  if (notAllowed.test(error))
    return say(
      'NotAuthorised',
      `${problem.message} (${at})`,
      'use credentials that may do this; aws sts get-caller-identity shows whose you have',
    );
  if (error === 'StateMachineDoesNotExist')
    return say('NotDeployed', `${at} is incomplete: ${problem.message}`, 'deploy it again');
  if (error === 'ResourceNotFoundException')
    return say('NotDeployed', `${at} does not exist`, 'name it with --stack or MAINSTAY_STACK, or deploy it first');
  if (/region is missing/i.test(problem.message))
    return say(
      'NotDeployed',
      'no AWS region is set',
      'set AWS_REGION, or AWS_ENDPOINT_URL and AWS_REGION for a local stack',
    );
  if (problem.code === 'Unreachable' && error !== '')
    return say(
      'Unreachable',
      `${at} does not answer: ${problem.message}`,
      'check the network and AWS_ENDPOINT_URL, then try again',
    );
  return problem;
}

/** `mainstay: what; why; next: what to do` */
export const sentence = ({ message, next }: CliProblem): string => `mainstay: ${message}; next: ${next}`;

export const asJson = ({ code, message, next, operation }: CliProblem): object => ({
  error: { code, message, next, ...(operation === undefined ? {} : { operation }) },
});
