// Holds whatever a command gives, in any test, to what cli/documents.ts promises of it: its documents (also those that nobody sees because
// --json is missing), what stands on stdout with --json, and its exit code.

import type { ZodType } from 'zod';
import { type CommandDocuments, documents, errorDocument } from '../../../cli/documents';
import type { Screen } from '../../../cli/output';
import { exitCodes } from '../../../desk/exit-codes';

export interface Given {
  as: 'document' | 'entry';
  value: unknown;
}

/** A screen that also notes what it is given. */
export const noting = (screen: Screen, given: Given[]): Screen => ({
  ...screen,
  document: (value) => {
    given.push({ as: 'document', value });
    screen.document(value);
  },
  entry: (value) => {
    given.push({ as: 'entry', value });
    screen.entry(value);
  },
});

export interface Printed {
  args: readonly string[];
  code: number;
  out: string;
  given: readonly Given[];
}

/** Text for people, also with --json. */
export const asksForHelp = (args: readonly string[]): boolean =>
  ['--help', '-h', '--version'].some((help) => args.includes(help)) || args.every((arg) => arg.startsWith('--'));

export const verbIn = (args: readonly string[]): string | undefined =>
  args.find((arg) => Object.hasOwn(documents, arg));

export function keepsPromises({ args, code, out, given }: Printed): void {
  if (asksForHelp(args)) return;
  const verb = verbIn(args);
  const known: Partial<CommandDocuments> = verb === undefined ? {} : (documents[verb] ?? {});
  const { json = {}, endings = ['usage' as const] } = known;
  const looks = known.watches === true && args.includes('--watch');
  const stream = known.stream === true || looks;
  // What cannot be read at one look is read at the next.
  const shapes = [...Object.values(json), ...(looks ? [errorDocument] : [])];
  const about = `mainstay ${args.join(' ')}`;
  const allowed = endings.map((ending) => exitCodes[ending] as number);
  if (!allowed.includes(code)) throw new Error(`${about} ended with ${code}, and its documented codes are ${allowed}`);
  for (const { as, value } of given) {
    if (as !== (stream ? 'entry' : 'document')) throw new Error(`${about} gave its ${as} against its kind`);
    demand(shapes, JSON.parse(JSON.stringify(value)), about);
  }
  const least = stream || code !== 0 ? 0 : 1;
  if (!stream && (given.length > 1 || given.length < least)) throw new Error(`${about} gave ${given.length} documents`);
  if (!args.includes('--json')) return;
  const texts = stream ? out.split('\n').filter(Boolean) : [out];
  if (code !== 0 && texts.length === 0) throw new Error(`${about} ended with ${code} and printed no document`);
  for (const text of texts) demand([...shapes, ...(code === 0 ? [] : [errorDocument])], JSON.parse(text), about);
}

function demand(shapes: readonly ZodType[], value: unknown, about: string): void {
  const parsed = shapes.map((shape) => shape.safeParse(value));
  if (parsed.some(({ success }) => success)) return;
  const faults = parsed.map(({ error }) => JSON.stringify(error?.issues)).join('\nor: ');
  throw new Error(`${about} gave what cli/documents.ts does not know: ${JSON.stringify(value)}\n${faults}`);
}
