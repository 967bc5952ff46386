// docs/protocol.md is what the code says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { protocolText } from '../../docs/protocol-text';

test('docs/protocol.md equals the tables in the code (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/protocol.md'), 'utf8')).toBe(protocolText());
});
