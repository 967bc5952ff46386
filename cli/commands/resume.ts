// mainstay resume: the service that an operator paused comes back, on the node that was main.

import type { Lease } from '../../core/model';
import { abandonedOn, configOf, seatedLease } from '../../desk/cluster';
import { failure } from '../../desk/problems';
import { durationText } from '../../desk/texts';
import { type ByOptions, type Define, examples, withBy, withTimeout } from '../command';
import { changedLease, recordAct, waitForLease } from '../lease-change';
import type { Session } from '../session';

export interface ResumeOptions extends ByOptions {
  cluster: string;
  timeout: number;
}

export const defineResume: Define = (program, act) => {
  const command = program
    .command('resume')
    .summary('bring a paused service back')
    .description('Let the node that was main when you paused the service be main again.')
    .argument('<cluster>');
  withTimeout(withBy(command), 60)
    .addHelpText('after', examples(['resume alpha']))
    .action((cluster: string, options: Omit<ResumeOptions, 'cluster'>) =>
      act((session) => runResume({ cluster, ...options }, session)),
    );
};

export async function runResume(options: ResumeOptions, session: Session): Promise<void> {
  const { desk, screen, user } = session;
  const startedAtMs = desk.clock.nowMs();
  const config = await configOf(desk, options.cluster);
  const lease = await seatedLease(desk, config.name);
  judgePaused(lease);
  const abandoned = await abandonedOn(desk, lease);
  const node = lease.holder ?? '';
  const resumed = await changedLease(desk, config, 'resume', () => ({ node, ...(abandoned ? { abandoned } : {}) }));
  await recordAct(session, resumed, {
    by: options.by ?? user,
    rule: 'resume',
    because: `${node} may be main again at epoch ${resumed.epoch}`,
  });
  screen.line(`${node} MAY BE MAIN AGAIN AT EPOCH ${resumed.epoch}`);
  const main = await waitForLease(session, {
    config,
    node,
    timeoutMs: options.timeout * 1000,
    reached: ({ phase, holder }) => phase === 'held' && holder === node,
    what: `${node} becoming main of ${config.name}`,
  });
  const ms = Math.round(desk.clock.nowMs() - startedAtMs);
  screen.line(
    screen.paint.green(`RESUME OF '${node}@${config.name}' WAS SUCCESSFUL (epoch ${main.epoch}, ${durationText(ms)})`),
  );
  screen.document({ cluster: config.name, main: node, epoch: main.epoch, ms });
}

/** A node that was stopped with its host resumes by itself; granting to it while it is down would call a failover. */
function judgePaused({ cluster, phase, pausedBy, holder, drain }: Lease): void {
  if (phase !== 'paused') {
    const why = drain === 'pause' ? 'is being paused' : `is not paused: its lease is ${phase}`;
    throw failure('NotPaused', `${cluster} ${why}`, `see: mainstay status ${cluster}`);
  }
  if (pausedBy === 'stop')
    throw failure(
      'NotPaused',
      `${holder} was stopped with its agent and becomes main by itself when the agent is back`,
      `start the agent on ${holder}; if that is impossible: mainstay failover ${cluster} --force`,
    );
}
