// Documents that are drawn from tables are what the code says.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openapiText } from '../../api/openapi';
import type { RouteId } from '../../api/routes';
import { documents } from '../../cli/documents';
import { cliSchemasText, cliText } from '../../docs/cli-text';
import counted from '../../docs/cost-counted.json';
import type { Counted } from '../../docs/cost-counts';
import { prices } from '../../docs/cost-prices';
import { costText } from '../../docs/cost-text';
import { withTriggers } from '../../docs/detection-text';
import { protocolText } from '../../docs/protocol-text';
import { invariantsText } from '../sim/invariants-text';

test('docs/protocol.md equals the tables in the code (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/protocol.md'), 'utf8')).toBe(protocolText());
});

test('docs/openapi.json equals the routes and shapes of the REST API (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')).toBe(openapiText());
});

test.each([
  ['cli.md', cliText],
  ['cli-schemas.json', cliSchemasText],
])('docs/%s equals the commands and their documents (npm run docs)', (file, text) => {
  expect(readFileSync(join(__dirname, '../../docs', file), 'utf8')).toBe(text());
});

test('docs/invariants.md equals the tables of the simulation (npm run docs)', () => {
  expect(readFileSync(join(__dirname, '../../docs/invariants.md'), 'utf8')).toBe(invariantsText());
});

describe('docs/cost.md', () => {
  test('equals the counts and the prices (npm run docs)', () => {
    expect(readFileSync(join(__dirname, '../../docs/cost.md'), 'utf8')).toBe(costText(counted));
  });

  test('follows the price table: no figure stands in it by itself', () => {
    const doubled: Counted = {
      ...counted,
      rest: { ...counted.rest, main: { ...counted.rest.main, writeUnits: 2 * counted.rest.main.writeUnits } },
    };
    expect(costText(doubled)).not.toBe(costText(counted));
    for (const { source } of Object.values(prices)) expect(costText(counted)).toContain(source);
  });

  test('counts what the agents promise with default timings: a renewal a second from the main, a read a second from each backup', () => {
    const { main, backup } = counted.rest;
    const around = (value: number | undefined) => [Math.abs((value ?? 0) - 60) <= 6, value];
    expect(around(main.calls['dynamodb PutItem LEASE'])[0]).toBe(true);
    expect(around(backup.calls['dynamodb GetItem LEASE'])[0]).toBe(true);
  });
});

test('the table of triggers in docs/detection.md is the one in the code (npm run docs)', () => {
  const page = readFileSync(join(__dirname, '../../docs/detection.md'), 'utf8');
  expect(withTriggers(page)).toBe(page);
});

/** What of the REST API does what a command does; null: nothing, and docs/limits.md says so. */
const routeOf: Record<string, RouteId | null> = {
  ...{ ls: 'listClusters', status: 'getCluster', explain: 'explainCluster', doctor: null, report: 'getReport' },
  ...{ switch: 'startOperation', failover: 'startOperation', failback: 'startOperation', recover: 'startOperation' },
  ...{ approve: 'approve', hold: 'clearHold', policy: 'putPolicy', history: 'getHistory', watch: 'getOperation' },
  ...{ pause: 'pauseService', resume: 'resumeService', start: null, brake: null, drill: null, fail: null },
  'confirm-fenced': null,
};

test('docs/limits.md names every command that the REST API has nothing for, and no other', () => {
  const verbs = Object.keys(documents).filter((verb) => verb !== 'completion');
  expect(Object.keys(routeOf).sort()).toEqual(verbs.sort());
  const page = readFileSync(join(__dirname, '../../docs/limits.md'), 'utf8');
  const [, missing = ''] = /^- In the control plane's REST API:([\s\S]*?)^- /m.exec(page) ?? [];
  const named = [...missing.matchAll(/`([a-z-]+)`/g)].map(([, verb]) => verb);
  expect(named.sort()).toEqual(verbs.filter((verb) => routeOf[verb] === null).sort());
});
