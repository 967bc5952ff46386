// mainstay confirm-fenced: a person says that the former main is stopped. The word is written on the lease first, and only for
// the epoch that was read (T54); then the failover that waits for it is woken. Must never promote: the fence step looks, and decides.

import type { ClusterConfig, Lease, NodeName, Report } from '../../core/model';
import { configOf, nodeIn, seatedLease } from '../../desk/cluster';
import { changedLease } from '../../desk/lease-change';
import { executionsOf } from '../../desk/operations';
import { failure, must } from '../../desk/problems';
import { demoteAck } from '../../workflows/steps/fence-rungs';
import { type Woken, wake } from '../../workflows/wake';
import { type ByOptions, type Define, examples, withBy } from '../command';
import { recordAct } from '../lease-change';
import type { Session } from '../session';

export interface ConfirmFencedOptions extends ByOptions {
  cluster: string;
  node: string;
  reason: string;
  yes?: boolean;
}

export const defineConfirmFenced: Define = (program, act) => {
  const command = program
    .command('confirm-fenced')
    .summary('say that the former main is stopped, when nothing else can prove it')
    .description(
      'Give a failover that could not prove the former main stopped your word that it is. If you are wrong, there are two mains.',
    )
    .argument('<cluster>')
    .requiredOption('--node <name>', 'the former main')
    .requiredOption('--reason <text>', 'how you know, for the journal')
    .option('--yes', 'you have seen it with your own eyes');
  withBy(command)
    .addHelpText(
      'after',
      examples([
        'confirm-fenced alpha --node db1 --reason "pulled both power cords"',
        'confirm-fenced alpha --node db1 --reason "host is scrapped, ticket 4711" --by ann --yes',
      ]),
    )
    .action((cluster: string, options: Omit<ConfirmFencedOptions, 'cluster'>) =>
      act((session) => runConfirmFenced({ cluster, ...options }, session)),
    );
};

export async function runConfirmFenced(options: ConfirmFencedOptions, session: Session): Promise<void> {
  const { desk, screen, user } = session;
  const { reason, by = user } = options;
  if (reason.trim() === '') throw failure('Usage', '--reason must say how you know', 'say what you have seen');
  const config = await configOf(desk, options.cluster);
  const { name: node } = nodeIn(config, options.node);
  const lease = await seatedLease(desk, config.name);
  await judgeAsked(session, { config, lease, node });
  if (!options.yes) {
    const reports = must(await desk.reports.list(config.name));
    demandYes(
      { config, lease, node },
      reports.find((report) => report.node === node),
    );
  }
  const vouched = await changedLease(desk, config, 'vouch', () => ({
    node,
    epoch: lease.epoch,
    word: { by, reason, at: desk.clock.wall() },
  }));
  const operation = vouched.operation?.id ?? '';
  await recordAct(session, vouched, { by, rule: 'vouch', because: `${node} is stopped, says ${by}: ${reason}` });
  const woken = await wake(desk, { cluster: config.name, operation, epoch: vouched.epoch });
  screen.line(screen.paint.green(`YOUR WORD FOR '${node}@${config.name}' IS RECORDED (epoch ${vouched.epoch})`));
  // Written is written: what does not wake it now is found by its next look, or by the sweep within a minute.
  screen.line(
    woken.ok ? told[woken.value](operation) : `${operation} could not be woken now, and looks within a minute`,
  );
  screen.line(`follow it: mainstay history ${config.name} --operation ${operation}`);
  const outcome = woken.ok ? woken.value : 'later';
  screen.document({ cluster: config.name, node, epoch: vouched.epoch, by, reason, operation, woken: outcome });
}

const told: Record<Woken, (operation: string) => string> = {
  woken: (operation) => `${operation} goes on: it looks at everything once more`,
  gone: (operation) => `${operation} is awake already and finds it at its next look`,
  nobody: (operation) => `${operation} is looking now and finds it within a second or two`,
};

interface Asked {
  config: ClusterConfig;
  lease: Lease;
  node: NodeName;
}

/** Is there a failover that a word about this node could help? The transition judges the same once more as it writes. */
async function judgeAsked({ desk }: Session, { config, lease, node }: Asked): Promise<void> {
  const { cluster, phase, former, fence, operation, epoch } = lease;
  const look = `see: mainstay status ${cluster}`;
  if (phase !== 'claimed')
    throw failure('NotClaimed', `nothing has to be proven stopped: the lease of ${cluster} is ${phase}`, look);
  if (former !== node)
    throw failure('NotFormer', `the node to be proven stopped is ${former ?? 'none'}, not ${node}`, look);
  if (fence)
    throw failure('AlreadyProven', `${node} is already proven stopped by ${fence.how}: ${fence.evidence}`, look);
  if (!config.fence.includes('operator'))
    throw failure(
      'WordNotAllowed',
      `the configuration of ${cluster} lets no person's word count (fence: ${config.fence.join(', ')})`,
      `stop the instance of ${node}; or: mainstay start ${cluster} --node NAME --yes`,
    );
  const running = operation?.kind === 'failover' && must(await executionsOf(desk).running(operation.id));
  if (!running)
    throw failure(
      'NotClaimed',
      `no failover of ${cluster} is under way that could use your word at epoch ${epoch}`,
      `start one, then confirm: mainstay failover ${cluster}`,
    );
}

/** What the node said last; should it speak again and contradict, the fence step believes the node. */
function demandYes({ config, lease, node }: Asked, report: Report | undefined): void {
  const said = demoteAck({
    ...{ config, lease, report, former: node, nowMs: 0, silentSinceMs: 0, reports: [] },
    ...{ power: null, stoppingSinceMs: null, notCut: null, vouchedSinceMs: null },
  });
  throw failure(
    'Unconfirmed',
    `if ${node} still runs, your word makes two mains (${said.evidence})`,
    `see with your own eyes that ${node} is stopped, then add --yes`,
  );
}
