// `npm run docs`: writes docs/protocol.md from the tables and docs/openapi.json from the routes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiText } from '../api/openapi';
import { protocolText } from './protocol-text';

writeFileSync(join(__dirname, 'protocol.md'), protocolText());
writeFileSync(join(__dirname, 'openapi.json'), openapiText());
