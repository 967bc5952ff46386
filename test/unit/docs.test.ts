// Documents that are drawn from tables are what the code says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiText } from '../../api/openapi';
import { withTriggers } from '../../docs/detection-text';
import { protocolText } from '../../docs/protocol-text';
import { invariantsText } from '../sim/invariants-text';

test('docs/protocol.md equals the tables in the code (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/protocol.md'), 'utf8')).toBe(protocolText());
});

test('docs/openapi.json equals the routes and shapes of the REST API (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')).toBe(openapiText());
});

test('docs/invariants.md equals the tables of the simulation (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/invariants.md'), 'utf8')).toBe(invariantsText());
});

test('the table of triggers in docs/detection.md is the one in the code (npm run docs)', () => {
  const page = readFileSync(join(__dirname, '../../docs/detection.md'), 'utf8');
  expect(withTriggers(page)).toBe(page);
});
