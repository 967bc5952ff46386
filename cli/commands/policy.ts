// mainstay policy: whether failovers happen by themselves. Shows it, or sets it with a reason that is journaled.
// Also which nodes are not to become main, and whether the automatic failovers of the last day have been seen.

import type { Policy, PolicyMode } from '../../core/model';
import { type PolicyNow, policyNow } from '../../core/policy';
import { configOf, leaseOf } from '../../desk/cluster';
import type { Desk } from '../../desk/desk';
import { acknowledgeFailovers, type Done, setPromotion } from '../../desk/lease-change';
import { policyAct, policySwapped } from '../../desk/policy';
import { failure, must } from '../../desk/problems';
import { countText } from '../../desk/texts';
import { durationMs, laterIso } from '../../desk/times';
import { type ByOptions, type Define, examples, withBy } from '../command';
import { recordAct } from '../lease-change';
import type { Session } from '../session';

export interface PolicyOptions extends ByOptions {
  cluster: string;
  mode?: string;
  for?: string;
  reason?: string;
  /** `--no-promote NODE`; true when it is not given. */
  promote?: string | boolean;
  mayPromote?: string;
  acknowledge?: boolean;
}

const modes: Record<PolicyMode, string> = {
  automatic: 'a lost main is failed over at once',
  manual: 'a lost main is noticed and explained; a person decides',
  maintenance: 'neither, for a limited time',
};

export const definePolicy: Define = (program, act) => {
  const command = program
    .command('policy')
    .summary('show or set who decides on failovers')
    .description(
      `Show or set the policy:\n${Object.entries(modes)
        .map(([mode, text]) => `  ${mode}: ${text}`)
        .join('\n')}`,
    )
    .argument('<cluster>')
    .argument('[mode]', Object.keys(modes).join(' | '))
    .option('--for <duration>', 'maintenance: how long, e.g. 30m, 2h')
    .option('--no-promote <node>', 'this node is not to become main, by hand or by itself')
    .option('--may-promote <node>', 'this node may become main again')
    .option('--acknowledge', 'you have seen the automatic failovers: they count no more against the day’s maximum')
    .option('--reason <text>', 'why, for the journal; needed for every change');
  withBy(command)
    .addHelpText(
      'after',
      examples([
        'policy alpha',
        'policy alpha maintenance --for 2h --reason "storage upgrade"',
        'policy alpha automatic --reason done',
        'policy alpha --no-promote db3 --reason "its disk is being replaced"',
        'policy alpha --acknowledge --reason "the rack’s switch was the cause"',
      ]),
    )
    .action((cluster: string, mode: string | undefined, options: Omit<PolicyOptions, 'cluster' | 'mode'>) =>
      act((session) => runPolicy({ cluster, ...(mode === undefined ? {} : { mode }), ...options }, session)),
    );
};

export async function runPolicy(options: PolicyOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  const changes = leaseChanges(options, session);
  if (options.mode === undefined && options.for !== undefined)
    throw failure(
      'Usage',
      '--for belongs to a policy, and none is named',
      `mainstay policy ${options.cluster} maintenance --for …`,
    );
  const wanted = options.mode === undefined ? null : policyFrom(options, session);
  const config = await configOf(desk, options.cluster);
  const before = must(await desk.settings.policy(options.cluster));
  if (wanted) await setPolicy(options.cluster, before, wanted, session);
  for (const change of changes) {
    const done = await change(desk);
    await recordAct(session, done.lease, done.act);
  }
  const lease = await leaseOf(desk, options.cluster);
  const now = policyNow(wanted ?? before, desk.clock.wall());
  const barred = lease?.barred ?? {};
  const attempts = lease?.attempts ?? [];
  screen.line(policyText(options.cluster, now));
  for (const [node, { by, reason, at }] of Object.entries(barred))
    screen.line(`  ${node} is not to become main: ${reason} (${by}, ${at})`);
  if (attempts.length > 0)
    screen.line(
      `  ${countText(attempts.length, 'automatic failover')} not acknowledged, the last ${attempts.at(-1)?.at} (limit ${config.failovers.maxPerDay} in 24 h)`,
    );
  screen.document({ cluster: options.cluster, ...now, barred, attempts });
}

type LeaseChange = (desk: Desk) => Promise<Done>;

function leaseChanges(
  { cluster, promote, mayPromote, acknowledge, reason = '', by, mode }: PolicyOptions,
  { user }: Session,
): LeaseChange[] {
  const wish = { cluster, by: by ?? user, reason };
  const promotions = [
    ...(typeof promote === 'string' ? [{ node: promote, allowed: false }] : []),
    ...(mayPromote === undefined ? [] : [{ node: mayPromote, allowed: true }]),
  ];
  const changes: LeaseChange[] = [
    ...promotions.map((promotion) => (desk: Desk) => setPromotion(desk, { ...wish, ...promotion })),
    ...(acknowledge ? [(desk: Desk) => acknowledgeFailovers(desk, wish)] : []),
  ];
  if (changes.length > 0 && mode === undefined && reason.trim() === '')
    throw failure('Usage', 'a policy is set with a reason', 'add --reason TEXT: others will read it at night');
  return changes;
}

/** What was asked for, or every reason why it cannot be meant. */
function policyFrom({ mode, for: period, reason, by }: PolicyOptions, { desk, user }: Session): Policy {
  if (mode === undefined || !Object.hasOwn(modes, mode))
    throw failure('Usage', `'${mode}' is no policy`, `choose one of: ${Object.keys(modes).join(', ')}`);
  if (reason === undefined || reason.trim() === '')
    throw failure('Usage', 'a policy is set with a reason', 'add --reason TEXT: others will read it at night');
  if (mode === 'maintenance' && period === undefined)
    throw failure('Usage', 'a maintenance must end', 'add for example --for 2h');
  if (mode !== 'maintenance' && period !== undefined)
    throw failure('Usage', `--for belongs to maintenance, and ${mode} has no end`, 'leave --for out');
  const at = desk.clock.wall();
  const until = period === undefined ? null : laterIso(at, durationMs(period));
  return { mode: mode as PolicyMode, until, by: by ?? user, reason, at };
}

async function setPolicy(cluster: string, before: Policy | null, wanted: Policy, session: Session): Promise<void> {
  const { desk } = session;
  if (!(await policySwapped(desk, cluster, before, wanted))) {
    const there = must(await desk.settings.policy(cluster));
    throw failure(
      'Refused',
      `${there?.by ?? 'somebody'} has set the policy of ${cluster} to ${there?.mode ?? 'automatic'} meanwhile (${there?.reason ?? 'no reason'}), and ${wanted.by}'s is not set`,
      `read it, then decide again: mainstay policy ${cluster}`,
    );
  }
  const { lease, act } = await policyAct(desk, cluster, before, wanted);
  await recordAct(session, lease, act);
}

function policyText(cluster: string, { mode, until, by, reason }: PolicyNow): string {
  const set = by ? `, set by ${by}: ${reason}` : ' (nobody has set it)';
  return `${cluster}: ${mode}${until ? ` until ${until}` : ''}${set}`;
}
