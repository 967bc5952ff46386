// The matrix as a table for people. Pure.

import type { Trial } from './trial';

const headings = ['fault', 'mode', 'main', 'write gap', 'two mains', 'wrong writes', 'lost writes', 'reported loss'];

const cells = (trial: Trial): string[] => [
  trial.fault,
  trial.mode,
  trial.outcome,
  `${(trial.gapMs / 1000).toFixed(2)} s`,
  `${trial.twoMainsMs} ms`,
  String(trial.wrongWrites),
  String(trial.lostWrites),
  trial.reported === null ? '-' : `at least ${trial.reported.atLeastBytes} bytes`,
];

export function drawTrials(trials: readonly Trial[]): string {
  const rows = [headings, headings.map(() => '---'), ...trials.map(cells)];
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}
