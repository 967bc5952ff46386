// Draws clusters in the spirit of seed 003's `ls`: a head line per cluster, then one line per node and its reason below.
// Pure: view in, lines out.

import type { Outcome } from '../desk/outcome';
import { byteText, durationText } from '../desk/texts';
import type { ClusterView, NodeView } from '../desk/view';
import { columns, type Paint } from './output';

const headings = ['NODE', 'STATE', 'STORED', 'APPLIED', 'LAG', 'FOLLOWS', 'DEADMAN', 'GATE', 'SEEN', 'WHY'];

/** `alpha[AUTOMATIC:HELD]  epoch 8  main db2  VIP 10.0.0.10:5432`, troubles, nodes. */
export function drawCluster(view: ClusterView, paint: Paint): string[] {
  const { cluster, policy, phase, epoch, main, vip } = view;
  const mode = policy.mode.toUpperCase() + (policy.until ? ` until ${policy.until}` : '');
  const state = view.pausedBy ? `${phase} by ${view.pausedBy}` : phase;
  const head = `${paint.bold(cluster)}[${mode}:${state.toUpperCase()}:${view.status}]  epoch ${epoch}  main ${main ?? 'nobody'}  VIP ${vip.host}:${vip.port}`;
  const rows = columns([headings, ...view.nodes.map(cells)]);
  const lines = rows.map((row, index) => stroke(view.nodes[index - 1], paint)(row));
  return [head, ...troubles(view).map((text) => `  ${paint.yellow(text)}`), ...lines.map((line) => `  ${line}`)];
}

function troubles(view: ClusterView): string[] {
  const { cluster, hold, operation, drain, phase } = view;
  const found: string[] = [];
  if (operation) found.push(`RUNNING ${operation.kind} ${operation.id} by ${operation.by} since ${operation.since}`);
  if (view.unproven)
    found.push(
      `${view.unproven} IS NOT PROVEN STOPPED; next: stop it and see, then mainstay confirm-fenced ${cluster} --node ${view.unproven}`,
    );
  if (view.degraded) found.push('DEGRADED: commits wait for nobody, and nobody may take over by itself');
  if (drain) found.push(`DRAINING (${drain})`);
  if (hold)
    found.push(
      `HOLD since epoch ${hold.epoch}: ${hold.reason}; next: mainstay hold ls ${cluster}, then mainstay recover ${cluster} NODE`,
    );
  if (phase === 'vacant') found.push(`NOBODY WAS EVER MAIN; next: mainstay start ${cluster} [--node NAME]`);
  return found;
}

function cells(node: NodeView): string[] {
  return [
    node.node,
    node.state,
    byteText(node.storedBytes),
    byteText(node.appliedBytes),
    byteText(node.lagBytes),
    node.following ? `${node.following}${node.streaming ? '' : ' (broken)'}${node.recorded ? ' (sync)' : ''}` : '-',
    node.deadman ?? '-',
    node.gate ?? '-',
    node.seenSecondsAgo === null ? '-' : `${node.seenSecondsAgo} s`,
    node.rule ? `${node.rule} ${node.because}${node.problem ? ` [${node.problem}]` : ''}` : '-',
  ];
}

/** The heading has no node. */
function stroke(node: NodeView | undefined, paint: Paint): (text: string) => string {
  if (!node) return paint.dim;
  if (node.state === 'MAIN') return paint.green;
  if (node.state.startsWith('SHUNNED') || node.state.startsWith('SILENT')) return paint.red;
  return /^(BACKUP)$/.test(node.state) ? (text) => text : paint.yellow;
}

/** What `status` says below the block of `ls`. */
export function drawDetails(view: ClusterView, last: Outcome | null, paint: Paint): string[] {
  const verdicts = view.nodes.map(({ node, candidate }) => [
    node,
    candidate.eligible ? 'may become main' : 'may not become main',
    candidate.because,
  ]);
  const { by, reason } = view.policy;
  return [
    ...(by ? ['', paint.bold('policy'), `  ${view.policy.mode}, set by ${by}: ${reason}`] : []),
    '',
    paint.bold('candidates'),
    ...columns(verdicts).map((line) => `  ${line}`),
    '',
    paint.bold('last operation'),
    ...(last ? drawOutcome(last) : ['  none on record']),
  ];
}

const drawOutcome = ({ operation, kind, ended, startedAt, ms, because }: Outcome): string[] => [
  `  ${operation} (${kind ?? 'unknown kind'}) ${ended} in ${durationText(ms)}, begun ${startedAt}`,
  `  ${because}`,
];
