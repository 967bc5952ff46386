// What the command writes: lines and tables for people, or one JSON document for machines, never both.
// Colours only on a terminal and without NO_COLOR. Formats numbers; decides nothing.

export interface Screen {
  /** True with --json: lines are swallowed, the document is printed. */
  readonly json: boolean;
  readonly paint: Paint;
  line(text?: string): void;
  /** The one JSON document of this command. */
  document(value: unknown): void;
  /** Of a stream that has no end: with --json one line each. */
  entry(value: unknown): void;
  /** Before something is shown again: an empty terminal, or a line with the time. */
  fresh(at: string): void;
  /** For people only, on stderr: something that does not change the outcome. */
  warn(text: string): void;
}

export interface Streams {
  out(text: string): void;
  err(text: string): void;
  colour: boolean;
}

export const createScreen = ({ out, err, colour }: Streams, json: boolean): Screen => ({
  json,
  paint: colour && !json ? colours : plain,
  line: (text = '') => {
    if (!json) out(`${text.trimEnd()}\n`);
  },
  document: (value) => {
    if (json) out(`${JSON.stringify(value, null, 2)}\n`);
  },
  entry: (value) => {
    if (json) out(`${JSON.stringify(value)}\n`);
  },
  fresh: (at) => {
    if (!json) out(colour ? `${home}${colours.dim(at)}\n` : `${at}\n`);
  },
  warn: (text) => err(`mainstay: ${text}\n`),
});

/** Of a terminal: the cursor to the upper left, and nothing below it. */
const home = '\u001b[H\u001b[2J';

type Stroke = (text: string) => string;
export type Paint = Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', Stroke>;

const sgr =
  (code: number): Stroke =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const same: Stroke = (text) => text;

export const plain: Paint = { bold: same, dim: same, red: same, green: same, yellow: same };
export const colours: Paint = { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33) };

/** Columns as wide as their widest cell; the last one is not padded. `stroke` colours a row after it is laid out. */
export function columns(rows: readonly (readonly string[])[], gap = '  '): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}
