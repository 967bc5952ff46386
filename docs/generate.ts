// `npm run docs`: writes docs/protocol.md from the tables, and docs/cost.md from the counts and the prices.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import counted from './cost-counted.json';
import { costText } from './cost-text';
import { protocolText } from './protocol-text';

writeFileSync(join(__dirname, 'protocol.md'), protocolText());
writeFileSync(join(__dirname, 'cost.md'), costText(counted));
