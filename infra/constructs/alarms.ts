// CloudWatch alarms from the rows of infra/alarms.ts: named for whom they concern, with a link into the runbook, told to the topic. That an
// alarm starts something is a rule's business (triggers.ts): CloudWatch tells EventBridge of every change by itself.

import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { alarmName } from '../../core/triggers';
import type { AlarmRow, MetricRow } from '../alarms';

export interface AlarmsProps {
  controlPlane: string;
  topic: ITopic;
  /** Where the runbook is read: `<url>#<section>`. */
  runbookUrl: string;
  cluster?: string;
  node?: string;
}

const metricOf = ({ namespace, metric, dimensions, statistic }: MetricRow, period: Duration): Metric =>
  new Metric({ namespace, metricName: metric, dimensionsMap: dimensions, statistic, period });

function lookedAt({ metrics, what, periodMinutes = 1 }: AlarmRow): IMetric {
  const period = Duration.minutes(periodMinutes);
  const all = metrics.map((row) => metricOf(row, period));
  if (all.length === 1) return all[0] as IMetric;
  const usingMetrics = Object.fromEntries(all.map((metric, index) => [`m${index}`, metric]));
  // A metric of which there is no datapoint would make the whole sum missing.
  const expression = Object.keys(usingMetrics)
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics, period, label: what });
}

export function alarmsOf(scope: Construct, rows: readonly AlarmRow[], props: AlarmsProps): Alarm[] {
  const { controlPlane, topic, runbookUrl, cluster, node } = props;
  return rows.map((row) => {
    const alarm = new Alarm(scope, row.what, {
      alarmName: alarmName(controlPlane, row.what, cluster, node),
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
