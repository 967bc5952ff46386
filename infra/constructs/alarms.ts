// CloudWatch alarms from the rows of infra/alarms.ts: named for whom they concern, with a link into the runbook, told to the topic. That an
// alarm starts something is a rule's business (triggers.ts): CloudWatch tells EventBridge of every change by itself.

import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarmName } from '../../core/triggers';
import type { AlarmRow } from '../alarms';

export interface AlarmsProps {
  controlPlane: string;
  topic: ITopic;
  /** Where the runbook is read: `<url>#<section>`. */
  runbookUrl: string;
  cluster?: string;
  node?: string;
}

function lookedAt({ metric: { namespace, metric, dimensions, statistic }, periodMinutes = 1 }: AlarmRow): Metric {
  const period = Duration.minutes(periodMinutes);
  return new Metric({ namespace, metricName: metric, dimensionsMap: dimensions, statistic, period });
}

export function alarmsOf(scope: Construct, rows: readonly AlarmRow[], props: AlarmsProps): Alarm[] {
  const { controlPlane, topic, runbookUrl, cluster, node } = props;
  return rows.map((row) => {
    const own = row.of ? `${row.what}-${row.of}` : row.what;
    const alarm = new Alarm(scope, own, {
      alarmName: alarmName(controlPlane, own, cluster, node),
      alarmDescription: `${row.means}. ${runbookUrl}#${row.what}`,
      metric: lookedAt(row),
      threshold: row.threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: row.minutes,
      treatMissingData: row.missing === 'breaching' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
    return alarm;
  });
}
