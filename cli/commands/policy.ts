// mainstay policy: whether failovers happen by themselves. Shows it, or sets it with a reason that is journaled.
// JSON: {cluster, mode, until, by, reason}.

import { vacantLease } from '../../core/lease';
import type { Policy, PolicyMode } from '../../core/model';
import { configOf, leaseOf } from '../../desk/cluster';
import { failure, must } from '../../desk/problems';
import { durationMs, laterIso } from '../../desk/times';
import { type ClusterView, policyView } from '../../desk/view';
import { type ByOptions, type Define, examples, withBy } from '../command';
import { recordAct } from '../lease-change';
import type { Session } from '../session';

export interface PolicyOptions extends ByOptions {
  cluster: string;
  mode?: string;
  for?: string;
  reason?: string;
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
    .option('--reason <text>', 'why, for the journal; needed to set a policy');
  withBy(command)
    .addHelpText(
      'after',
      examples([
        'policy alpha',
        'policy alpha maintenance --for 2h --reason "storage upgrade"',
        'policy alpha automatic --reason done',
      ]),
    )
    .action((cluster: string, mode: string | undefined, options: Omit<PolicyOptions, 'cluster' | 'mode'>) =>
      act((session) => runPolicy({ cluster, ...(mode === undefined ? {} : { mode }), ...options }, session)),
    );
};

export async function runPolicy(options: PolicyOptions, session: Session): Promise<void> {
  const { desk, screen } = session;
  const wanted = options.mode === undefined ? null : policyFrom(options, session);
  await configOf(desk, options.cluster);
  const before = must(await desk.settings.policy(options.cluster));
  if (wanted) await setPolicy(options.cluster, before, wanted, session);
  const now = policyView(wanted ?? before, desk.clock.wall());
  screen.line(policyText(options.cluster, now));
  screen.document({ cluster: options.cluster, ...now });
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
  must(await desk.settings.putPolicy(cluster, wanted));
  const lease = (await leaseOf(desk, cluster)) ?? vacantLease(cluster, 0);
  const until = wanted.until ? ` until ${wanted.until}` : '';
  await recordAct(session, lease, {
    by: wanted.by,
    rule: 'policy',
    because: `policy ${before?.mode ?? 'automatic'} -> ${wanted.mode}${until}: ${wanted.reason}`,
  });
}

function policyText(cluster: string, { mode, until, by, reason }: ClusterView['policy']): string {
  const set = by ? `, set by ${by}: ${reason}` : ' (nobody has set it)';
  return `${cluster}: ${mode}${until ? ` until ${until}` : ''}${set}`;
}
