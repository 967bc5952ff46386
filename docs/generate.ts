// `npm run docs`: writes docs/protocol.md from the tables.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { protocolText } from './protocol-text';

writeFileSync(join(__dirname, 'protocol.md'), protocolText());
