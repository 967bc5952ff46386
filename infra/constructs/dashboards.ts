// CloudWatch dashboards from the rows of infra/dashboards.ts, with the state of the alarms on top.

import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  MathExpression,
  Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Graph } from '../dashboards';

/** Columns of a dashboard, and graphs beside each other. */
const columns = 24;
const beside = 3;
/** CloudWatch refuses a widget with more. */
const alarmsPerWidget = 100;

function metricsOf({ lines, search }: Graph): IMetric[] {
  const period = Duration.minutes(1);
  const named = Object.entries(lines).map(
    ([label, { namespace, metric, dimensions, statistic }]) =>
      new Metric({ namespace, metricName: metric, dimensionsMap: dimensions, statistic, period, label }),
  );
  return search ? [...named, new MathExpression({ expression: search, period, label: '' })] : named;
}

export function dashboardOf(
  scope: Construct,
  id: string,
  name: string,
  alarms: readonly IAlarm[],
  graphs: readonly Graph[],
) {
  const dashboard = new Dashboard(scope, id, { dashboardName: name });
  dashboard.addWidgets(
    new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.slice(0, alarmsPerWidget), width: columns, height: 3 }),
  );
  const widgets = graphs.map(
    (graph) => new GraphWidget({ title: graph.title, left: metricsOf(graph), width: columns / beside }),
  );
  for (let first = 0; first < widgets.length; first += beside)
    dashboard.addWidgets(...widgets.slice(first, first + beside));
  return dashboard;
}
