// Taking the operation off the lease, which every plan ends with one way or another. That it is off already is no failure: this may be
// the retry of an invocation whose reply was lost (T48).

import { changeLease, type StepContext } from '../step';

export const isOnLease = ({ lease, operation }: StepContext): boolean => lease.operation?.id === operation;

export const leaveLease = (context: StepContext): ReturnType<typeof changeLease> =>
  changeLease(
    context,
    'end',
    () => ({ operation: context.lease.operation ?? undefined }),
    (now) => now.operation?.id !== context.operation,
  );
