// What a cluster does by itself when the power of a node is cut: played, in the bench's virtual time.

import type { Desk } from '../../../desk/desk';
import type { Execution } from '../../../desk/operations';
import { aReport, value } from '../../support/samples';
import { type Bench, journalStep, setLease } from './support';

export const failover = 'alpha-failover-e7-r30-0';
export const powerOf = async ({ power }: Bench, node: string) => value(await power.state(`i-${node}`));

/** When the instance is off, what the cluster does by itself. */
export async function whenOff(bench: Bench, node: string, reaction: (desk: Desk) => Promise<void>): Promise<void> {
  while ((await powerOf(bench, node)) !== 'stopped') await bench.clock.sleep(100);
  await reaction(bench.desk);
}

/** The failover of a dead db1 to db2, heard of last `gapMs` before db2 serves. */
export async function takeOver(bench: Bench, gapMs: number, end: Execution = { status: 'SUCCEEDED' }): Promise<void> {
  const { desk, operations } = bench;
  const started = { kind: 'failover' as const, name: failover, input: { cluster: 'alpha', by: 'automatic' } };
  operations.executions.set(failover, { status: 'RUNNING' });
  const watched = { epoch: 7, renewals: 30, silentMs: gapMs - 200, seenBy: 'db2' };
  await journalStep(desk, started, 'verify', { ms: 50, details: { watched } });
  const operation = { id: failover, kind: 'failover' as const, by: 'automatic', since: desk.clock.wall() };
  await setLease({ desk }, { epoch: 8, phase: 'claimed', holder: null, former: 'db1', operation });
  await journalStep(desk, started, 'claim', { epoch: 8, details: { oldMain: 'db1' } });
  await journalStep(desk, started, 'fence', { epoch: 8, because: 'stopped', details: { how: 'power-off' } });
  const loss = { atLeastBytes: 2048, sampledAt: null };
  await journalStep(desk, started, 'choose-after-fence', { epoch: 8, details: { candidate: 'db2', loss } });
  if (end.status === 'SUCCEEDED') {
    await journalStep(desk, started, 'promote', { epoch: 8, ms: 25 });
    await journalStep(desk, started, 'move-vip', { epoch: 8, ms: 25 });
    await journalStep(desk, started, 'end', { epoch: 8, details: { outcome: 'done' } });
    await setLease({ desk }, { phase: 'held', holder: 'db2', operation: null });
  }
  operations.executions.set(failover, end);
}

/** db1 goes on as a main does. */
export const serving = async ({ desk, clock }: Bench): Promise<void> => {
  for (let seq = 2; seq < 60; seq += 1) {
    await clock.sleep(1000);
    await setLease({ desk }, { renewals: 30 + seq });
    for (const node of ['db1', 'db3']) await desk.reports.put(aReport('alpha', node, { seq, at: clock.wall() }));
  }
};
