// Every way in which the command may end, and which problem ends it how: the only place that knows exit codes.
// A script may rely on them: 3 means that nothing was changed, 8 that it goes on without us.

import type { OutsideCode, StepCode } from '../core/errors';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notAuthorised: 4,
  unreachable: 5,
  inProgress: 8,
} as const;

export type Ending = keyof typeof exitCodes;

export const endingTexts: Record<Ending, string> = {
  done: 'done',
  failed: 'it was tried and did not succeed',
  usage: 'the command line is wrong, or names what does not exist',
  refused: 'judged and refused: nothing was changed',
  notAuthorised: 'no credentials, or they may not do this',
  unreachable: 'the control plane did not answer, or is not there',
  inProgress: 'it is running and was not waited for to the end',
};

/** Problems that only the command line has. */
type OwnCode =
  | 'Usage'
  | 'NotAuthorised'
  | 'NotDeployed'
  | 'InProgress'
  | 'OperationFailed'
  | 'AlreadySeated'
  | 'NotPaused'
  | 'NotReady'
  | 'ObjectiveMissed'
  | 'Unhealthy'
  | 'NotClaimed'
  | 'NotFormer'
  | 'AlreadyProven'
  | 'WordNotAllowed'
  | 'Unconfirmed'
  | 'Bug';

export type CliCode = StepCode | OutsideCode | OwnCode;

const endings: Record<CliCode, Ending> = {
  Usage: 'usage',
  BadInput: 'usage',
  UnknownCluster: 'usage',
  UnknownNode: 'usage',
  Vacant: 'refused',
  NotServing: 'refused',
  AlreadyMain: 'refused',
  AlreadySeated: 'refused',
  NotPaused: 'refused',
  NotReady: 'refused',
  NotClaimed: 'refused',
  NotFormer: 'refused',
  AlreadyProven: 'refused',
  WordNotAllowed: 'refused',
  Unconfirmed: 'refused',
  NotEligible: 'refused',
  NoCandidate: 'refused',
  Busy: 'refused',
  PlanChanged: 'refused',
  Healthy: 'refused',
  NotSilent: 'refused',
  NotShunned: 'refused',
  NotAbandoned: 'refused',
  Policy: 'refused',
  Braked: 'refused',
  CoolDown: 'refused',
  TooMany: 'refused',
  NotApproved: 'refused',
  NotAllowed: 'refused',
  Held: 'refused',
  LeaseRefused: 'refused',
  Refused: 'refused',
  // These were begun, failed and were undone.
  DrainTimeout: 'failed',
  BarrierTimeout: 'failed',
  RejoinFailed: 'failed',
  PowerOnTimeout: 'failed',
  VipRefused: 'failed',
  // These need a person.
  StaleEpoch: 'failed',
  Unproven: 'failed',
  NobodyLeft: 'failed',
  PromoteFailed: 'failed',
  Broken: 'failed',
  ObjectiveMissed: 'failed',
  Unhealthy: 'failed',
  OperationFailed: 'failed',
  Bug: 'failed',
  NotAuthorised: 'notAuthorised',
  Unreachable: 'unreachable',
  NotYet: 'unreachable',
  Queued: 'unreachable',
  NotDeployed: 'unreachable',
  InProgress: 'inProgress',
};

/** Every code that `error.code` may be. */
export const cliCodes = Object.keys(endings) as CliCode[];

export const endingOf = (code: CliCode): Ending => endings[code];

export const exitCodeOf = (code: CliCode): number => exitCodes[endingOf(code)];

/** Whether a name that came from outside (a cause, a journal entry) is one of ours. */
export const isCliCode = (name: string): name is CliCode => Object.hasOwn(endings, name);
