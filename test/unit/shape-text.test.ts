// The notation of docs/cli.md: what a program may expect must be readable off it, and nothing else.

import { type Schema, shapeText } from '../../docs/shape-text';

const node: Schema = { type: 'object', properties: { node: { type: 'string' } }, required: ['node'] };
const types = { Node: node };

test.each<[string, Schema, string]>([
  ['an integer is a number', { type: 'integer' }, 'number'],
  ['null stands beside its type', { type: ['string', 'null'] }, 'string | null'],
  ['values stand as literals', { enum: ['L', 1, null] }, "'L' | 1 | null"],
  ['an array of a union is in brackets', { type: 'array', items: { enum: ['a', 'b'] } }, "('a' | 'b')[]"],
  ['a reference is its name', { type: 'array', items: { $ref: '#/$defs/Node' } }, 'Node[]'],
  ['what has all of a type is written as that type', node, 'Node'],
  [
    'and what has more says what',
    { type: 'object', properties: { ...node.properties, lag: { type: 'number' } }, required: ['node'] },
    'Node & { lag?: number }',
  ],
  [
    'a field of another type is no part of a type',
    { type: 'object', properties: { node: { type: 'number' } }, required: ['node'] },
    '{ node: number }',
  ],
  [
    'what a field means stands beside it',
    { type: 'object', properties: { at: { type: 'string', description: 'UTC' } }, required: ['at'] },
    '{\n  at: string; // UTC\n}',
  ],
  [
    'a record says what its values are',
    { type: 'object', additionalProperties: { type: 'boolean' } },
    '{ [key: string]: boolean }',
  ],
])('%s', (_, schema, text) => expect(shapeText(schema, types)).toBe(text));
