// `npm run docs`: writes docs/protocol.md, the table of triggers in docs/detection.md and docs/cost.md from the tables, docs/openapi.json
// from the routes, docs/cli.md and docs/cli-schemas.json from the commands.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiText } from '../api/openapi';
import { cliSchemasText, cliText } from './cli-text';
import counted from './cost-counted.json';
import { costText } from './cost-text';
import { withTriggers } from './detection-text';
import { protocolText } from './protocol-text';

writeFileSync(join(__dirname, 'protocol.md'), protocolText());
const detection = join(__dirname, 'detection.md');
writeFileSync(detection, withTriggers(readFileSync(detection, 'utf8')));
writeFileSync(join(__dirname, 'openapi.json'), openapiText());
writeFileSync(join(__dirname, 'cost.md'), costText(counted));
writeFileSync(join(__dirname, 'cli.md'), cliText());
writeFileSync(join(__dirname, 'cli-schemas.json'), cliSchemasText());
