// The text of docs/cli.md and docs/cli-schemas.json: drawn from the program itself, cli/documents.ts and desk/exit-codes.ts.
// `npm run docs` writes them; a test holds them.

import type { Command } from 'commander';
import { z } from 'zod';
import { openSchema } from '../api/openapi';
import { documents, documentTypes, errorDocument } from '../cli/documents';
import { createScreen } from '../cli/output';
import { createProgram } from '../cli/program';
import { cliCodes, type Ending, endingOf, endingTexts, exitCodes } from '../desk/exit-codes';
import { type Schema, shapeText, type Types } from './shape-text';

// ---- schemas

const documentsById = Object.entries(documents).flatMap(([name, { json }]) =>
  Object.entries(json).map(([when, shape]) => [`${name}: ${when}`, shape] as const),
);
const names = z.registry<{ id: string }>();
for (const [id, shape] of [...Object.entries(documentTypes), ['error', errorDocument] as const, ...documentsById])
  if (!names.has(shape)) names.add(shape, { id });

const uri = (id: string): string => `#/$defs/${id}`;
const schemas: Types = Object.fromEntries(
  Object.entries(z.toJSONSchema(names, { uri }).schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [
    id,
    openSchema(schema) as Schema,
  ]),
);
const types: Types = Object.fromEntries(Object.keys(documentTypes).map((name) => [name, schemas[name] ?? {}]));

/** A reference where it is a type by itself. */
function schemaOf(shape: z.ZodType): Schema {
  const id = names.get(shape)?.id ?? '';
  return Object.hasOwn(types, id) ? { $ref: uri(id) } : (schemas[id] ?? {});
}

const mapped = <T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

export function cliSchemasText(): string {
  const document = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    commands: mapped(documents, ({ json }) => mapped(json, schemaOf)),
    error: schemaOf(errorDocument),
    $defs: types,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

// ---- the page

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
];
const fenced = (language: string, text: string): string[] => [`\`\`\`${language}`, text, '```'];

const endings = Object.keys(exitCodes) as Ending[];
const codesOf = (ending: Ending): string =>
  cliCodes
    .filter((code) => endingOf(code) === ending)
    .map((code) => `\`${code}\``)
    .join(' ');

const shown = (value: unknown): string => (value === undefined || value === false ? '' : `\`${value}\``);

function inputs({ registeredArguments, options }: Command): string[] {
  const rows = [
    // What needs no word stands in the usage.
    ...registeredArguments
      .filter(({ description }) => description !== '')
      .map((argument) => [
        `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``,
        argument.description,
        shown(argument.defaultValue),
      ]),
    ...options.map(({ flags, description, mandatory, defaultValue, negate }) => [
      `\`${flags}\``,
      `${description}${mandatory ? ' (required)' : ''}`,
      negate ? '' : shown(defaultValue),
    ]),
  ];
  return rows.length === 0 ? [] : ['', ...table(['argument or option', '', 'default'], rows)];
}

function section(command: Command, examples: string): string[] {
  const name = command.name();
  const { json = {}, stream, watches, endings: own = [] } = documents[name] ?? {};
  const shapes = Object.entries(json).map(([when, shape]) => {
    const text = shapeText(schemaOf(shape), types);
    return `${Object.keys(json).length > 1 || stream ? `// ${when}\n` : ''}${text}`;
  });
  return [
    `## ${name}`,
    '',
    command.description().replace('\n', '\n\n').replaceAll('\n  ', '\n- '),
    '',
    ...fenced('', `mainstay ${name} ${command.usage()}`),
    ...inputs(command),
    '',
    ...fenced('', examples),
    '',
    `Exit codes: ${own
      .map((ending) => exitCodes[ending])
      .sort()
      .join(', ')}. With \`--json\`${watches ? ', and with `--watch` in a line for each look' : ''}:`,
    '',
    ...fenced('ts', shapes.join('\n\n')),
    '',
  ];
}

/** Commander keeps what is added to a help to itself: it is read off the help. */
function examplesOf(command: Command, printed: { text: string }): string {
  printed.text = '';
  command.outputHelp();
  const lines = printed.text.slice(printed.text.indexOf('\nExamples:\n')).split('\n').slice(2);
  return lines
    .map((line) => line.trim().replace(/^\$ /, ''))
    .filter(Boolean)
    .join('\n');
}

function program(printed: { text: string }): Command {
  const out = (text: string): void => {
    printed.text += text;
  };
  const screen = { out, err: () => undefined, colour: false };
  const openDesk = () => {
    throw new Error('a page asks nobody');
  };
  const world = { ...screen, openDesk, openScreen: createScreen, interrupted: () => false };
  return createProgram({ ...world, defaultStack: 'mainstay', where: '', user: '', version: '' }, async () => undefined);
}

export function cliText(): string {
  const printed = { text: '' };
  const { commands, options } = program(printed);
  const everywhere = options.filter(({ long }) => long !== '--version');
  const used = Object.keys(types).map((name) => {
    const others = Object.fromEntries(Object.entries(types).filter(([other]) => other !== name));
    return `type ${name} = ${shapeText(types[name] ?? {}, others)}`;
  });
  return [
    '# The command line',
    '',
    'Generated by `npm run docs` from the program and from `cli/documents.ts`; every test that runs a command holds it to this page.',
    'Every command takes:',
    '',
    ...table(
      ['option', '', 'default'],
      everywhere.map(({ flags, description, defaultValue }) => [`\`${flags}\``, description, shown(defaultValue)]),
    ),
    '',
    'With `--json`, stdout is one JSON document: the one that stands at the command, or an error in its place. `watch` prints a line for',
    'each entry, and its error is a line, too. A document may be given more fields one day: do not refuse what you do not know. stderr is',
    'for people; `--help` and `--version` print text. Times are ISO 8601 in UTC, durations milliseconds (`…Ms`, `ms`), sizes and positions',
    'bytes. As JSON Schema: [cli-schemas.json](cli-schemas.json).',
    '',
    ...fenced('ts', `// in the place of any document\n${shapeText(schemaOf(errorDocument), types)}`),
    '',
    'A script may rely on exit codes and on `error.code`:',
    '',
    ...table(
      ['exit code', '', '`error.code`'],
      endings.map((ending) => [String(exitCodes[ending]), endingTexts[ending], codesOf(ending)]),
    ),
    '',
    '`ls`, `doctor`, `drill` and `fail` end with the code of what they have found, and with their document.',
    '',
    ...commands.flatMap((command) => section(command, examplesOf(command, printed))),
    '## Types',
    '',
    ...fenced('ts', used.join('\n\n')),
    '',
  ].join('\n');
}
