// mainstay fail: cuts the power of a node's instance, on purpose, and follows what comes of it, on record (seed 003, `datasource fail`).
// Nothing is faked: the cluster finds out as it would find out about a dead host. Must never cut what it has not judged, and
// not without a record that says who did it.

import { abandonedOn, configOf, seatedLease } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { type FailingPlan, failingPlan } from '../../desk/failing';
import { failure, must } from '../../desk/problems';
import { recorded } from '../../desk/record';
import { durationText } from '../../desk/texts';
import { durationMs } from '../../desk/times';
import { afterBackup } from '../after-backup';
import { afterMain } from '../after-main';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { readyForDrill } from '../drill-record';
import type { Failed } from '../failure-watch';
import { recordAct } from '../lease-change';
import type { Session } from '../session';

export interface FailOptions extends ByOptions {
  cluster: string;
  node: string;
  reason?: string;
  rto?: string;
  dryRun?: boolean;
  yes?: boolean;
  timeout: number;
}

export const defineFail: Define = (program, act) => {
  const command = program
    .command('fail')
    .summary('a drill: cut the power of a node and see what comes of it')
    .description(
      'Cut the power of a node’s instance, as if its host had failed, and follow what comes of it: of the main, the failover; of a backup, that the main serves on. On record.',
    )
    .argument('<cluster>')
    .argument('<node>', 'the node that fails')
    .option('--reason <text>', 'why, for the journal; a drill needs one')
    .option(
      '--rto <duration>',
      'what is asked for: no writes for at most this long, e.g. 10s; missed, the command ends with 1',
    )
    .option('--dry-run', 'only say what would happen')
    .option('--yes', 'you mean it: the power is cut');
  withTimeout(withBy(command), 300)
    .addHelpText(
      'after',
      examples(['fail alpha db1 --dry-run', 'fail alpha db1 --reason "first Tuesday of the month" --rto 10s --yes']),
    )
    .action((cluster: string, node: string, options: Omit<FailOptions, 'cluster' | 'node'>) =>
      act((session) => runFail({ cluster, node, ...options }, session)),
    );
};

export async function runFail(options: FailOptions, session: Session): Promise<void> {
  const { desk, screen, user } = session;
  const { cluster, reason = '', rto, timeout, by = user } = options;
  if (!options.dryRun && reason.trim() === '')
    throw failure('Usage', 'power is cut with a reason', 'add --reason TEXT: whoever finds the node dead will read it');
  const objectiveMs = rto === undefined ? null : durationMs(rto);
  const { config, plan } = await planned(desk, options);
  if (objectiveMs !== null && plan.role === 'backup')
    throw failure('Usage', `--rto is about the main, and ${plan.node} is a backup`, 'leave --rto out');
  for (const line of told(plan)) screen.line(line);
  if (options.dryRun) return screen.document({ dryRun: true, ...plan });
  if (!options.yes)
    throw failure(
      'Unconfirmed',
      `this cuts the power of ${plan.node} (${plan.instanceId}): ${plan.atRisk}`,
      `mainstay fail ${cluster} ${plan.node} --reason TEXT --yes`,
    );
  const deadlineAtMs = desk.clock.nowMs() + timeout * 1000;
  await cut(session, plan, { by, reason });
  const failed: Failed = { config, plan, by, objectiveMs, deadlineAtMs };
  await (plan.role === 'main' ? afterMain(session, failed) : afterBackup(session, failed));
}

/** Ends the command where it must not be done now; changes nothing. */
async function planned(desk: Desk, { cluster, node }: FailOptions): Promise<Pick<Failed, 'config' | 'plan'>> {
  await configOf(desk, cluster);
  const lease = await seatedLease(desk, cluster);
  const abandoned = await abandonedOn(desk, lease);
  if (abandoned !== undefined)
    throw failure('NotReady', `${abandoned} was left behind and is not settled yet`, `mainstay watch ${cluster}`);
  const sources = await readyForDrill(desk, cluster);
  const plan = failingPlan(sources, node);
  const power = must(await desk.power.state(plan.instanceId));
  if (power !== 'running')
    throw failure('NotReady', `the instance of ${node}, ${plan.instanceId}, is ${power} already`, plan.next);
  return { config: sources.config, plan };
}

function told({ node, instanceId, role, main, epoch, candidate, expected, atRisk, next }: FailingPlan): string[] {
  const head = `POWER OF '${node}' (${instanceId}, the ${role}, epoch ${epoch})`;
  if (role === 'backup') return [head, `  ${atRisk}`, `  afterwards: ${next}`];
  return [
    head,
    `  the cluster finds out by itself, ${main} is proven stopped, and ${candidate} takes over`,
    ...(expected ? [`  no writes for about ${durationText(expected.writeGapMs)} (${expected.source})`] : []),
    `  at risk: ${atRisk}`,
    `  afterwards: ${next}`,
  ];
}

/** On record first: who finds the node dead finds out why. */
async function cut(session: Session, plan: FailingPlan, { by, reason }: { by: string; reason: string }): Promise<void> {
  const { desk, screen } = session;
  const { cluster, node, instanceId } = plan;
  const lease = await seatedLease(desk, cluster);
  if (lease.epoch !== plan.epoch || lease.operation !== null)
    throw failure(
      'PlanChanged',
      `${cluster} has changed since this was judged`,
      `look again: mainstay status ${cluster}`,
    );
  // From here on Ctrl-C stops the watching and nothing else.
  if (session.interrupted())
    throw failure(
      'NotReady',
      'interrupted: nothing was cut',
      `again: mainstay fail ${cluster} ${node} --reason TEXT --yes`,
    );
  const because = `${by} cuts the power of ${node} (${instanceId}), a drill: ${reason}`;
  must(await recorded(desk, lease, { by, rule: 'fail', because, details: { node, instanceId, reason } }));
  const answer = await desk.power.cut([instanceId]);
  const one = answer.ok ? answer.value.get(instanceId) : answer;
  if (one && !one.ok)
    await recordAct(session, lease, { by, rule: 'fail', because: `whether ${node} was cut: ${one.error.message}` });
  if (one) must(one);
  screen.line(screen.paint.red(`POWER OF '${node}@${cluster}' IS CUT`));
}
