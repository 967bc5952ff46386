// A backup's power was cut: waits until it is missed, sees that the main serves on, and records both.

import type { NodeName } from '../core/model';
import { durationText } from '../desk/texts';
import { concludeDrill } from './drill-record';
import { awaited, type Failed, gaveUp, type Scene } from './failure-watch';
import type { Session } from './session';

/** EC2's quota is everybody's. */
const powerEveryMs = 2_000;

export async function afterBackup(session: Session, failed: Failed): Promise<void> {
  const { desk } = session;
  const { plan, by } = failed;
  const { cluster, node, main, epoch, next } = plan;
  const cutAtMs = desk.clock.nowMs();
  const isMissed = createMissing(session, failed);
  const renewals = await awaited(session, failed, `${node} being missed`, async (scene) => {
    await mustServe(session, failed, scene);
    return (await isMissed(scene)) ? scene.lease.renewals : null;
  });
  const noticedMs = Math.round(desk.clock.nowMs() - cutAtMs);
  await awaited(session, failed, `${main} renewing the lease without ${node}`, async (scene) => {
    await mustServe(session, failed, scene);
    return scene.lease.renewals > renewals ? true : null;
  });
  await concludeDrill(session, {
    cluster,
    by,
    what: `power of ${node} cut, missed after ${durationText(noticedMs)}; ${main} serves on at epoch ${epoch}`,
    objectiveMs: null,
    details: { node, main, noticedMs },
    document: { node, role: 'backup', main, epoch, noticedMs },
    next,
  });
}

/** The loss of a backup moves nothing. */
async function mustServe(session: Session, failed: Failed, { lease }: Scene): Promise<void> {
  const { cluster, node, main, epoch } = failed.plan;
  if (lease.phase === 'held' && lease.holder === main && lease.epoch === epoch) return;
  await gaveUp(session, failed, {
    message: `${main} did not serve on without ${node}: the lease is ${lease.phase} at epoch ${lease.epoch}, holder ${lease.holder ?? 'nobody'}`,
    next: `mainstay explain ${cluster}`,
  });
}

/** Silent for as long as `status` asks, on our own clock (T7); its instance is off; and no commit waits for it any more. */
function createMissing({ desk }: Session, { config, plan }: Failed): (scene: Scene) => Promise<boolean> {
  const silentMs = 3 * config.timings.reportMs;
  let heard = { last: '', atMs: desk.clock.nowMs() };
  let askAtMs = 0;
  return async ({ lease, reports }) => {
    const now = desk.clock.nowMs();
    const last = lastOf(reports, plan.node);
    if (last !== heard.last) heard = { last, atMs: now };
    if (now - heard.atMs < silentMs || lease.synced.includes(plan.node) || now < askAtMs) return false;
    askAtMs = now + powerEveryMs;
    const power = await desk.power.state(plan.instanceId);
    return power.ok && (power.value === 'stopped' || power.value === 'terminated');
  };
}

const lastOf = (reports: Scene['reports'], name: NodeName): string => {
  const report = reports.find(({ node }) => node === name);
  return report ? `${report.boot} ${report.seq}` : '';
};
