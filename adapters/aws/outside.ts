// Turns whatever the AWS SDK throws into one of a port's three answers: Unreachable, Refused or Broken (core/errors).
// The only place that judges SDK errors. Must never call a missing answer a refusal: without one the call may have
// happened (T3), and a throttled or failing control plane is to be asked again (T13).

import type { OutsideProblem } from '../../core/errors';
import { throttlingErrors } from '../../core/fleet';
import type { Outside } from '../../core/ports';
import { fail, ok } from '../../core/result';
import { broken, refused, unreachable } from '../problems';

/** What SDK errors have in common; everything may be missing on an error that never reached AWS. */
interface SdkError {
  name: string;
  message: string;
  code?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
  $retryable?: { throttling?: boolean };
}

const permission =
  /^(AccessDenied(Exception)?|UnauthorizedOperation|UnauthorizedException|AuthFailure|InvalidClientTokenId|UnrecognizedClientException|OptInRequired|MissingAuthenticationToken)$/;
const unanswered =
  /^(TimeoutError|AbortError|RequestTimeout(Exception)?|InternalServerError|InternalError|InternalFailure|ServiceUnavailable(Exception)?|Unavailable)$/;
/** A wall clock that was stepped (T7) or credentials that ran out: the SDK mends both at the next attempt. */
const signing =
  /^(RequestTimeTooSkewed|RequestExpired|RequestInTheFuture|InvalidSignatureException|SignatureDoesNotMatch|ExpiredToken(Exception)?|CredentialsProviderError)$/;

/** Sockets and name look-ups fail with codes such as ECONNRESET or EAI_AGAIN; ERR_* are mistakes in this process. */
const isNetwork = ({ code }: SdkError): boolean =>
  typeof code === 'string' && /^(E(?!RR_)[A-Z_0-9]+|HPE_.*)$/.test(code);
/** The SDK tried to send it and no status came back. */
const isUnanswered = ({ $metadata }: SdkError): boolean =>
  $metadata?.attempts !== undefined && $metadata.httpStatusCode === undefined;
const isServerFault = ({ $metadata }: SdkError): boolean => ($metadata?.httpStatusCode ?? 0) >= 500;
const isThrottled = (error: SdkError): boolean =>
  throttlingErrors.test(error.name) || error.$metadata?.httpStatusCode === 429 || error.$retryable?.throttling === true;

/** Not by `instanceof`: an error may come from another realm (a bundle, a test's sandbox). */
const asSdkError = (error: unknown): SdkError =>
  typeof error === 'object' && error !== null && 'name' in error && 'message' in error
    ? (error as SdkError)
    : { name: 'Error', message: String(error) };

function judged(
  error: SdkError,
  refusals: readonly string[],
): { build: typeof broken; next: (action: string) => string } {
  if (refusals.includes(error.name)) return { build: refused, next: () => 'read what is there now and decide anew' };
  if (permission.test(error.name))
    return {
      build: broken,
      next: (action) =>
        `allow the action ${action} in the role of the caller (docs/iam.md lists them), and see that what it touches carries the tag mainstay:control-plane`,
    };
  if (isThrottled(error))
    return { build: unreachable, next: (action) => `try again later: the account's quota for ${action} is used up` };
  if (signing.test(error.name))
    return {
      build: unreachable,
      next: () => 'try again; if it stays, check the role of the instance and its wall clock',
    };
  if (unanswered.test(error.name) || isNetwork(error) || isUnanswered(error) || isServerFault(error))
    return { build: unreachable, next: () => 'read before trying again: it may have happened' };
  return {
    build: broken,
    next: (action) => `no retry mends this: check the arguments and the configuration of ${action}`,
  };
}

/** `action` is the IAM action, e.g. `ec2:StopInstances`; `refusals` are the error names that mean "no, because …". */
export function outsideProblem(thrown: unknown, action: string, refusals: readonly string[] = []): OutsideProblem {
  const error = asSdkError(thrown);
  const { build, next } = judged(error, refusals);
  const details = {
    action,
    error: error.name,
    ...(error.$metadata?.httpStatusCode ? { httpStatus: error.$metadata.httpStatusCode } : {}),
    ...(error.$metadata?.requestId ? { requestId: error.$metadata.requestId } : {}),
  };
  return build(`${action}: ${error.name}: ${error.message}`, next(action), details, thrown);
}

/** One call to AWS as a value. */
export async function asked<T>(action: string, call: () => Promise<T>, refusals: readonly string[] = []): Outside<T> {
  try {
    return ok(await call());
  } catch (error) {
    return fail(outsideProblem(error, action, refusals));
  }
}
