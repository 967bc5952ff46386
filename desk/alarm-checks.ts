// What a doctor finds among the control plane's alarms: each one that rings, with what it means and where the runbook goes on. An alarm
// rings though nobody was reached (T47), so it is shown here. One of the whole control plane may ring because of any cluster: it condemns
// none that was asked for by name. Reads only.

import type { RingingAlarm } from '../core/ports';
import { readAlarmName } from '../core/triggers';
import type { Check } from './checkup';
import type { Desk } from './desk';

const what = 'stack: alarms';

/**
 * By `what` of infra/alarms.ts: while these ring a failover may not work, or nobody hears of it. Not `not-ready`, which says that some
 * cluster has what a doctor finds by itself.
 */
export const dangers: readonly string[] = [
  ...['functions-failing', 'functions-throttled', 'executions-failing', 'alarms-of-agents-lost', 'table-throttled'],
  ...['undelivered', 'notices-lost', 'no-main'],
];

const isDanger = (alarm: string): boolean =>
  dangers.some((danger) => alarm === danger || alarm.startsWith(`${danger}-`));

function checkOf({ name, description }: RingingAlarm, named: boolean): Check {
  const alarm = readAlarmName(name);
  const whom = [alarm.cluster ?? 'stack', alarm.node].filter((part) => part !== undefined).join(' ');
  const concerns = alarm.cluster !== undefined || !named;
  // As infra/constructs/alarms.ts writes it: what it means, and the section.
  const [, means, section] = /^(.*)\. (\S+#\S+)$/s.exec(description) ?? [];
  return {
    what: `${whom}: alarm ${alarm.what}`,
    level: concerns && isDanger(alarm.what) ? 'danger' : 'warning',
    found: means ?? (description || 'it rings'),
    next: section ?? 'docs/runbook.md, "Alarms"',
  };
}

/** Of the control plane and of these clusters; `named`: the clusters were asked for, and are not simply all. */
export async function alarmChecks({ alarms }: Desk, clusters: readonly string[], named: boolean): Promise<Check[]> {
  const ringing = await alarms.ringing();
  if (!ringing.ok) {
    const { message, next } = ringing.error;
    return [{ what, level: 'warning', found: `alarms cannot be read: ${message}`, next }];
  }
  const own = ringing.value.filter(({ name }) => {
    const { cluster } = readAlarmName(name);
    return cluster === undefined || clusters.includes(cluster);
  });
  return own.length > 0
    ? own.map((alarm) => checkOf(alarm, named))
    : [{ what, level: 'ok', found: 'none rings', next: '' }];
}
