// Whatever people are told of has its section in the runbook, and no section is about nothing; every test that docs/detection.md names exists.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stepCodes } from '../../core/errors';
import { haltSections, noticeSections, sectionOf } from '../../core/runbook';
import { alarmTriggers } from '../../core/triggers';
import { dangers } from '../../desk/alarm-checks';
import { clusterAlarms, nodeAlarms, planeAlarms } from '../../infra/alarms';
import { render } from '../../infra/state-machine';
import { plans } from '../../workflows/plans';

const root = join(__dirname, '..', '..');
const page = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');
const runbook = page('runbook.md');
const [states = '', alarms = ''] = runbook.split('\n# Alarms\n');
const headings = (text: string) => [...text.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
/** As the pages that show markdown make them. */
const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replace(/ /g, '-');

const plane = { name: 'm', stateMachineArn: (kind: string) => kind, failureRule: 'r', queueName: 'q', topicName: 't' };
const rows = [...planeAlarms(plane), ...clusterAlarms('m', 'alpha', 'full'), ...nodeAlarms('alpha', 'db1', 'i-1')];

test('every alarm has a section under its name, and every such section an alarm', () => {
  expect(headings(alarms).sort()).toEqual([...new Set(rows.map(({ what }) => what))].sort());
});

test('every alarm that starts something is one that is there', () => {
  expect(rows.map(({ what }) => what)).toEqual(expect.arrayContaining(Object.keys(alarmTriggers)));
});

test('every alarm that a doctor calls a danger is one that is there, and the others are not', () => {
  const names = new Set(rows.map(({ what }) => what));
  expect(dangers.filter((what) => !names.has(what))).toEqual([]);
  expect([...names].filter((what) => !dangers.includes(what)).sort()).toEqual(
    ['executions-stopped', 'instance-check', 'not-ready', 'silent-nodes', 'system-check', 'volume-check'].sort(),
  );
});

test('every state in which a plan ends badly has its section', () => {
  const ends = Object.values(plans).flatMap((plan) =>
    Object.entries(render(plan, (step) => step).States).flatMap(([name, { Type }]) => (Type === 'Fail' ? [name] : [])),
  );
  expect([...new Set(ends)].sort()).toEqual(['Needs a person', 'Undone: as it was before']);
  for (const name of ends) expect(headings(states)).toContain(name.replace(/:.*/, ''));
});

test('every halt and every notice leads to a section that is there', () => {
  const told = [...Object.values(haltSections), ...Object.values(noticeSections), sectionOf(undefined)];
  expect(headings(states).map(anchor)).toEqual(expect.arrayContaining(told));
  expect(stepCodes.Halt.map((code) => sectionOf(`Halt.${code}`))).toEqual(Object.values(haltSections));
  expect(sectionOf('Retry.Unreachable')).toBe('needs-a-person');
});

test('whoever tells a person builds the notice with its three parts', () => {
  const sources = ['workflows', 'agent'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const telling = sources.filter((file) =>
    /'Attention Needed'|attention\(/.test(readFileSync(join(root, file), 'utf8')),
  );
  const own = telling.filter((file) => readFileSync(join(root, file), 'utf8').includes("'Attention Needed'"));
  expect(telling.length).toBeGreaterThan(own.length);
  // These name the parts themselves, and their own tests look at them.
  expect(['agent/replication.ts']).toEqual(expect.arrayContaining(own));
});

test('every code that a person may read is explained, and every code that is explained exists', () => {
  const named = new Set([...states.matchAll(/`(?:(?:Undo|Halt|Retry)\.)?([A-Z][A-Za-z]+)`/g)].map(([, code]) => code));
  for (const code of [...stepCodes.Undo, ...stepCodes.Halt, ...stepCodes.Retry]) expect([...named]).toContain(code);
  const prefixed = [...runbook.matchAll(/`(Undo|Halt|Retry)\.([A-Za-z]+)/g)];
  for (const [, family, code] of prefixed) expect(stepCodes[family as keyof typeof stepCodes]).toContain(code);
});

test('every link within the runbook leads somewhere', () => {
  const anchors = headings(runbook).map(anchor);
  for (const [, to = ''] of runbook.matchAll(/\]\(#([^)]+)\)/g)) expect([...anchors, 'alarms']).toContain(to);
});

test('each cause of failure is detected by tests that exist', () => {
  const named = [...page('detection.md').matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(20);
  const missing = named.flatMap(([, file = '', title = '']) =>
    existsSync(join(root, file)) && readFileSync(join(root, file), 'utf8').includes(title) ? [] : [`${file}: ${title}`],
  );
  expect(missing).toEqual([]);
  for (const cause of [
    'Hard disk failure',
    'Network failure',
    'not due to the service',
    'due to the service',
    'Manual, maintenance',
  ])
    expect(page('detection.md')).toMatch(new RegExp(`^\\| .*${cause}.*\`test/`, 'm'));
});
