// mainstay explain: is it safe now, what would happen if the main died this second, why it did or did not fail over.
// Exit code 0 whatever the answer is: `safe` tells a script.

import { type Explanation, explainSourcesOf, explanationOf } from '../../desk/explanation';
import { type Define, examples } from '../command';
import { columns, type Paint } from '../output';
import type { Session } from '../session';

export const defineExplain: Define = (program, act) => {
  program
    .command('explain')
    .summary('is it safe now, what would happen, why did it (not) fail over')
    .description(
      'Explain a cluster: whether it is safe, who would win if the main died this second, the last failover.',
    )
    .argument('<cluster>')
    .addHelpText('after', examples(['explain alpha', "explain alpha --json | jq '.safe'"]))
    .action((cluster: string) => act((session) => runExplain({ cluster }, session)));
};

export async function runExplain({ cluster }: { cluster: string }, { desk, screen }: Session): Promise<void> {
  const explanation = explanationOf(await explainSourcesOf(desk, cluster));
  for (const line of drawExplanation(explanation, screen.paint)) screen.line(line);
  screen.document(explanation);
}

function drawExplanation({ cluster, safe, findings, ifMainDied, last }: Explanation, paint: Paint): string[] {
  const head = safe
    ? paint.green(`${cluster} IS SAFE: if its main died this second, somebody would take over`)
    : paint.red(`${cluster} IS NOT SAFE`);
  return [
    head,
    ...findings.map(({ level, what, next }) =>
      (level === 'danger' ? paint.red : paint.yellow)(`  ${level}: ${what}; next: ${next}`),
    ),
    '',
    paint.bold('if the main died this second'),
    ...columns(ifMainDied.map(({ step, because }) => [`  ${step}`, because])),
    '',
    paint.bold('last failover'),
    ...(last
      ? [
          `  ${last.operation} of ${last.at} ended ${last.ended}`,
          ...columns(last.sentences.map(({ rule, because }) => [`  ${rule}`, because])),
        ]
      : ['  none on record']),
  ];
}
