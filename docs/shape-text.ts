// JSON Schemas as people read them: in the notation of TypeScript, with what a field means beside it. Pure: schemas in, lines out.

export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: Schema;
  description?: string;
}

/** Schemas that are written as a name, by that name. */
export type Types = Record<string, Schema>;

/** More values than these are a list of their own, elsewhere. */
const mostValues = 12;
const widestLine = 110;

const indented = (text: string): string => text.replaceAll('\n', '\n  ');
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** `string | null`, `'L' | 'P'`, `NodeView[]`, `Outcome & { cluster: string }`. */
export function shapeText(schema: Schema, types: Types): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(/^.*\//, '');
  if (schema.anyOf) return schema.anyOf.map((one) => shapeText(one, types)).join(' | ');
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum && schema.enum.length <= mostValues) return schema.enum.map(literal).join(' | ');
  if (schema.type === 'array') return `${grouped(shapeText(schema.items ?? {}, types))}[]`;
  if (schema.type === 'object') return objectText(schema, types);
  const kinds = [schema.type ?? 'unknown'].flat();
  return kinds.map((kind) => (kind === 'integer' ? 'number' : kind)).join(' | ');
}

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));
const grouped = (text: string): string => (/ [|&] /.test(text) && !text.startsWith('{') ? `(${text})` : text);

function objectText(schema: Schema, types: Types): string {
  const { properties = {}, additionalProperties } = schema;
  if (Object.keys(properties).length === 0) return `{ [key: string]: ${shapeText(additionalProperties ?? {}, types)} }`;
  const base = baseOf(schema, types);
  const own = Object.keys(properties).filter((name) => base === null || !Object.hasOwn(base.properties, name));
  const fields = fieldsText(schema, own, types);
  if (base === null) return fields;
  return own.length === 0 ? base.name : `${base.name} & ${fields}`;
}

/** The largest named object that this one has everything of. */
function baseOf(
  { properties = {} }: Schema,
  types: Types,
): { name: string; properties: Record<string, Schema> } | null {
  const within = Object.entries(types).flatMap(([name, type]) => {
    const entries = Object.entries(type.properties ?? {});
    const isWithin = entries.length > 0 && entries.every(([key, value]) => same(properties[key], value));
    return isWithin ? [{ name, properties: type.properties ?? {} }] : [];
  });
  const size = (type: { properties: object }) => Object.keys(type.properties).length;
  return within.sort((one, other) => size(other) - size(one))[0] ?? null;
}

function fieldsText({ properties = {}, required = [] }: Schema, names: readonly string[], types: Types): string {
  const fields = names.map((name) => {
    const field = properties[name] ?? {};
    const text = `${name}${required.includes(name) ? '' : '?'}: ${shapeText(field, types)}`;
    return { text, about: field.description };
  });
  const line = `{ ${fields.map(({ text }) => text).join('; ')} }`;
  const isPlain = fields.every(({ about, text }) => about === undefined && !text.includes('\n'));
  if (isPlain && line.length <= widestLine) return line;
  const lines = fields.map(({ text, about }) => `${indented(text)};${about === undefined ? '' : ` // ${about}`}`);
  return `{\n  ${lines.join('\n  ')}\n}`;
}
