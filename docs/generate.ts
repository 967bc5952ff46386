// `npm run docs`: writes docs/protocol.md and the table of triggers in docs/detection.md from the tables, docs/openapi.json from the routes.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiText } from '../api/openapi';
import { withTriggers } from './detection-text';
import { protocolText } from './protocol-text';

writeFileSync(join(__dirname, 'protocol.md'), protocolText());
const detection = join(__dirname, 'detection.md');
writeFileSync(detection, withTriggers(readFileSync(detection, 'utf8')));
writeFileSync(join(__dirname, 'openapi.json'), openapiText());
