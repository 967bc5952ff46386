// The text of docs/protocol.md, drawn from the tables themselves: transitions, states, rules, edges and plans. Pure.

import { edges } from '../agent/edges';
import { failsafeRules } from '../core/failsafe';
import { type Transition, transitions } from '../core/lease';
import { nodeStates } from '../core/model';
import { isTogether, type Plan, type PlanStep } from '../core/plan';
import { replicationRules } from '../core/replication';
import { rules } from '../core/rules';
import { clockErrorMs, contenderWaitMs, defaultTimings, promiseMs } from '../core/timings';
import { plans } from '../workflows/plans';

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const fence = (lines: string[]): string => ['```mermaid', ...lines, '```'].join('\n');

function leaseTable(): string {
  const rows = Object.entries(transitions as Record<string, Transition>).map(([name, row]) => [
    `\`${name}\``,
    row.from.join(', '),
    row.to === 'same' ? '(same)' : row.to,
    row.who,
    row.authority ? '+1' : '',
    row.because,
  ]);
  return table(['transition', 'from', 'to', 'who', 'epoch', 'because'], rows);
}

function leaseDiagram(): string {
  const arrows = Object.entries(transitions as Record<string, Transition>).flatMap(([name, { from, to }]) =>
    to === 'same' ? [] : from.filter((phase) => phase !== to).map((phase) => `  ${phase} --> ${to}: ${name}`),
  );
  return fence(['stateDiagram-v2', '  [*] --> vacant', ...arrows]);
}

const stateTable = (): string =>
  table(
    ['state', 'promise'],
    Object.entries(nodeStates).map(([name, promise]) => [`\`${name}\``, promise]),
  );

const ruleTable = (): string =>
  table(
    ['rule', 'goal', 'act', 'because'],
    rules.map(({ id, goal, act, because }) => [id, `\`${goal}\``, act ?? '', because]),
  );

const sideTable = (rows: readonly { id: string; because: string }[]): string =>
  table(
    ['rule', 'because'],
    rows.map(({ id, because }) => [id, because]),
  );

const edgeTable = (): string =>
  table(
    ['goal', 'from', 'action', 'proves'],
    edges.map(({ goal, from, action, proves }) => [
      `\`${goal}\``,
      from.length === Object.keys(nodeStates).length ? 'any state' : from.join(', '),
      action,
      proves,
    ]),
  );

const stepRow = (
  { name, step, deadlineMs, retry, undo, pointOfNoReturn, elseFrom }: PlanStep,
  together: string,
): string[] => [
  name + (together ? ` (${together})` : ''),
  `\`${step}\``,
  `${deadlineMs / 1000} s`,
  String(retry.times),
  undo ? undo.name : '',
  [pointOfNoReturn ? '**point of no return**' : '', elseFrom ? `else from: ${elseFrom}` : '']
    .filter(Boolean)
    .join('; '),
];

function planTable(plan: Plan): string {
  const rows = plan.entries.flatMap((entry) =>
    isTogether(entry) ? entry.together.map((step) => stepRow(step, 'together')) : [stepRow(entry, '')],
  );
  return table(
    ['state', 'step', 'deadline', 'retries', 'undo', ''],
    [...rows, stepRow(plan.afterUndo, 'after the undo list'), stepRow(plan.page, 'when it cannot go forward')],
  );
}

function planDiagram(plan: Plan): string {
  const label = (name: string) => `"${name}"`;
  const nodes = plan.entries.map(({ name }, index) => `  s${index}[${label(name)}]`);
  const arrows = plan.entries.slice(1).map((_, index) => `  s${index} --> s${index + 1}`);
  const noReturn = plan.entries.findIndex((entry) => !isTogether(entry) && entry.pointOfNoReturn);
  return fence(['flowchart TD', ...nodes, ...arrows, `  style s${noReturn} stroke-width:4px`]);
}

/** The whole page. */
export function protocolText(): string {
  const t = defaultTimings;
  const planParts = Object.entries(plans).flatMap(([kind, plan]) => [
    `## Plan: ${kind}`,
    `${plan.comment}.`,
    planTable(plan),
    planDiagram(plan),
  ]);
  return `${[
    '# The protocol',
    'Generated from the code by `npm run docs`; a test keeps it equal. Terms: [glossary](glossary.md). Timings: [timing](timing.md).',
    '## The lease',
    'One item per cluster, changed by one compare-and-swap at a time. The epoch grows exactly at the transitions marked +1.',
    leaseTable(),
    leaseDiagram(),
    '## Node states',
    stateTable(),
    '## Rules of a node',
    'First match wins. The id stands in every report, log line and journal entry.',
    ruleTable(),
    '## Edges of a node',
    'What takes a node from the state it has proven to the goal that a rule gave it.',
    edgeTable(),
    '## Rules of a main whose commits wait for backups',
    'In the modes `sync` and `strict`, once a round; first match wins. S10 to S30 change the lease, S40 the engine ([why](adr/0008-recorded-backups-on-the-lease.md)).',
    sideTable(replicationRules),
    '## Without the store',
    'With `onStoreLoss: failsafe` ([why](adr/0009-going-on-without-the-store.md)).',
    sideTable(failsafeRules),
    '## Default timings',
    `ttl ${t.ttlMs} ms, margin ${t.marginMs} ms, heartbeat ${t.heartbeatMs} ms. A renewal protects its holder for ${promiseMs(t)} ms from before it was sent; a contender waits ${contenderWaitMs(t)} ms (clock error ${clockErrorMs(t)} ms) from after its read returned.`,
    ...planParts,
  ].join('\n\n')}\n`;
}
