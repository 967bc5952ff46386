// The measurements as text: a table for each scenario, a row for each system and preset, and how much longer or shorter its gap is
// than Mainstay's of the same preset. Pure.

import { type Figure, figure } from '../figures';
import { type Measured, type Outcome, type ScenarioName, scenarioNames, scenarios } from './scenarios';

export const own = 'mainstay';

export interface Row {
  system: string;
  preset: string;
  runs: number;
  failures: number;
  gapMs: Figure;
  twoMainsMs: Figure;
  wrongWrites: Figure;
  lostWrites: Figure;
  /** Runs after which the old main still took writes when the fault had long gone. */
  unsettled: number;
  /** Median gap divided by Mainstay's; null when Mainstay was not measured. */
  ratio: number | null;
}

export function rowsOf(all: readonly Measured[], scenario: ScenarioName): Row[] {
  const here = all.filter((each) => each.scenario === scenario);
  const keys = [...new Set(here.map(({ system, preset }) => `${system} ${preset}`))];
  const rows = keys.map((key) => rowOf(here.filter(({ system, preset }) => `${system} ${preset}` === key)));
  const ownGapMs = (preset: string): number | undefined =>
    rows.find((row) => row.system === own && row.preset === preset)?.gapMs.median;
  return rows.map((row) => {
    const base = ownGapMs(row.preset);
    return { ...row, ratio: base ? row.gapMs.median / base : null };
  });
}

function rowOf(runs: readonly Measured[]): Omit<Row, 'ratio'> {
  const outcomes = runs.flatMap(({ outcome }) => outcome ?? []);
  const of = (pick: (outcome: Outcome) => number): Figure => figure(outcomes.map(pick));
  return {
    system: runs[0]?.system ?? '',
    preset: runs[0]?.preset ?? '',
    runs: outcomes.length,
    failures: runs.length - outcomes.length,
    gapMs: of(({ gapMs }) => gapMs),
    twoMainsMs: of(({ twoMainsMs }) => twoMainsMs),
    wrongWrites: of(({ wrongWrites }) => wrongWrites),
    lostWrites: of(({ lostWrites }) => lostWrites),
    unsettled: outcomes.filter(({ settled }) => !settled).length,
  };
}

const show = ({ median, min, max }: Figure, unit: (value: number) => string): string => {
  if (Number.isNaN(median)) return '–';
  return min === max ? unit(median) : `${unit(median)} [${unit(min)}–${unit(max)}]`;
};
const seconds = (ms: number): string => (ms / 1000).toFixed(1);
const whole = (value: number): string => Math.round(value).toString();

const heads = ['', 'gap, s', 'two mains, ms', 'wrong writes', 'lost', 'runs', 'gap / Mainstay'];
const widths = [28, 22, 22, 18, 18, 6, 0];

const line = (cells: readonly string[]): string =>
  `  ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('')}`.trimEnd();

function cells(row: Row): string[] {
  const notes = [
    row.failures > 0 ? `${row.failures} without a result` : '',
    row.unsettled > 0 ? `${row.unsettled} not settled` : '',
  ].filter(Boolean);
  return [
    `${row.system} ${row.preset}`,
    show(row.gapMs, seconds),
    show(row.twoMainsMs, whole),
    show(row.wrongWrites, whole),
    show(row.lostWrites, whole),
    String(row.runs),
    [row.ratio === null ? '' : `${row.ratio.toFixed(1)} ×`, ...notes].filter(Boolean).join(', '),
  ];
}

export function scenarioTable(all: readonly Measured[]): string {
  return scenarioNames
    .flatMap((name) => {
      const rows = rowsOf(all, name);
      return rows.length === 0 ? [] : [scenarios[name].title, line(heads), ...rows.map(cells).map(line), ''];
    })
    .join('\n');
}
