// The main's power was cut: finds the failover that this causes, follows it to its end, and records how long nobody could write.

import { longestGap } from '../desk/drill-gap';
import { problemOf } from '../desk/operations';
import { outcomeOf } from '../desk/outcome';
import { byteText } from '../desk/texts';
import { concludeDrill } from './drill-record';
import { awaited, type Failed, gaveUp, type Scene } from './failure-watch';
import { follow } from './follow';
import { progressLines } from './progress';
import type { Session } from './session';

export async function afterMain(session: Session, failed: Failed): Promise<void> {
  const { desk, screen } = session;
  const { plan, by, objectiveMs, deadlineAtMs } = failed;
  const { cluster, node, next } = plan;
  const operation = await awaited(session, failed, `a failover from ${node}`, (scene) =>
    failoverIn(session, failed, scene),
  );
  const { execution, entries } = await follow(session, {
    cluster,
    operation,
    timeoutMs: deadlineAtMs - desk.clock.nowMs(),
    onEntry: (entry) =>
      progressLines(entry, { kind: 'failover', paint: screen.paint }).forEach((line) => void screen.line(line)),
  });
  const outcome = outcomeOf(operation, entries, { execution });
  if (execution.status !== 'SUCCEEDED')
    return gaveUp(session, failed, problemOf({ cluster, operation }, execution, entries));
  const { to, loss, proof } = outcome;
  const lost = loss ? `, at least ${byteText(loss.atLeastBytes)} lost by the last report` : '';
  const proven = proof ? `, ${node} proven stopped by ${proof.how}` : '';
  await concludeDrill(session, {
    cluster,
    by,
    what: `power of ${node} cut, ${to} took over${proven}${lost}`,
    longestGapMs: longestGap([outcome]),
    objectiveMs,
    details: { node, operations: [operation], loss, proof },
    document: { node, role: 'main', operation: outcome },
    next,
  });
}

/** The execution that took the role away from the failed main. */
async function failoverIn(session: Session, failed: Failed, { lease, entries }: Scene): Promise<string | null> {
  const { cluster, node, epoch } = failed.plan;
  if (lease.phase === 'paused')
    return gaveUp(session, failed, {
      message: `the host of ${node} shut down cleanly before its power went, and nobody takes over from a clean stop`,
      next: `mainstay failover ${cluster} --force; or start its instance again, and it resumes`,
    });
  if (lease.operation?.kind === 'failover') return lease.operation.id;
  // It was over between two looks.
  const claim = entries.findLast(({ rule, kind, epoch: at }) => rule === 'claim' && kind === 'step' && at > epoch);
  return claim?.operation ?? null;
}
