// The house rules, in one ordinary test: who may import whom, where time and environment may be touched, how long is long.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean);
const sources = tracked
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const product = sources.filter(({ file }) => !file.startsWith('test/'));
const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '.');

const importsOf = ({ file, text }: { file: string; text: string }): string[] =>
  [...text.matchAll(/(?:from|import|require\()\s*\(?['"]([^'"]+)['"]/g)].map(([, path = '']) =>
    path.startsWith('.') ? relative(root, resolve(root, dirname(file), path)) : path,
  );

/** Folder to the folders it may import from; packages are looked at below. */
const arrows: Record<string, readonly string[]> = {
  core: ['core'],
  workflows: ['core', 'workflows'],
  adapters: ['core', 'adapters'],
  agent: ['core', 'agent'],
  functions: ['core', 'workflows', 'adapters', 'desk', 'api', 'functions'],
  infra: ['core', 'workflows', 'infra'],
  desk: ['core', 'workflows', 'adapters', 'desk'],
  cli: ['core', 'workflows', 'adapters', 'desk', 'cli'],
  api: ['core', 'workflows', 'desk', 'api'],
  local: ['core', 'workflows', 'adapters', 'agent', 'infra', 'desk', 'cli', 'local'],
  docs: ['core', 'workflows', 'agent', 'desk', 'cli', 'api', 'docs'],
};
/** Entries that put an implementation together. */
const wiring: Record<string, readonly string[]> = {
  'api/openapi.ts': ['package.json'],
  'infra/constructs/rest-api.ts': ['api/routes'],
  'agent/main.ts': ['adapters', 'package.json'],
  'cli/main.ts': ['package.json'],
};

test('imports follow the arrows', () => {
  const wrong = product.flatMap((source) =>
    importsOf(source).flatMap((path) => {
      const allowed = [...(arrows[folderOf(source.file)] ?? []), ...(wiring[source.file] ?? [])];
      const inside = tracked.some((file) => file === path || file === `${path}.ts` || file.startsWith(`${path}/`));
      return inside &&
        folderOf(source.file) !== '.' &&
        !allowed.includes(folderOf(path.includes('/') ? path : `${path}/`)) &&
        !allowed.includes(path)
        ? [`${source.file} -> ${path}`]
        : [];
    }),
  );
  expect(wrong).toEqual([]);
});

test('core has no dependency, functions never load the CDK, nothing imports test/', () => {
  const packages = (folder: string) =>
    product
      .filter(({ file }) => folderOf(file) === folder)
      .flatMap(importsOf)
      .filter((path) => !tracked.some((file) => file.startsWith(path)));
  expect(packages('core')).toEqual([]);
  expect(packages('workflows')).toEqual([]);
  expect(packages('functions').filter((name) => name.startsWith('aws-cdk'))).toEqual([]);
  expect(product.flatMap(importsOf).filter((path) => path.startsWith('test/'))).toEqual([]);
});

const touching = (pattern: RegExp, exceptions: readonly string[]): string[] =>
  product
    .filter(({ file, text }) => pattern.test(text) && !exceptions.some((path) => file.startsWith(path)))
    .map(({ file }) => file);

test('process.env is read in entries and wiring only', () => {
  expect(
    touching(/process\.env/, [
      'agent/main.ts',
      'cli/main.ts',
      'cli/wiring.ts',
      'functions/wiring.lambda-shared.ts',
      'local/',
      'agent/drivers/postgres/commands.ts',
    ]),
  ).toEqual([]);
});

/** Commands that say nothing without the name of a cluster. */
const ofOneCluster = [
  'status',
  'explain',
  'switch',
  'failover',
  'failback',
  'confirm-fenced',
  'approve',
  'recover',
  'hold clear',
];
const ofOneToo = ['policy', 'drill', 'history', 'report', 'watch', 'start', 'pause', 'resume'];

test('whoever is told to type a command is told for which cluster', () => {
  const bare = new RegExp(`mainstay (${[...ofOneCluster, ...ofOneToo].join('|')})(?! (\\$\\{|CLUSTER|alpha)|[\\w-])`);
  const wrong = product.flatMap(({ file, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        bare.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(wrong).toEqual([]);
});

test('clock, timers and randomness stand behind ports', () => {
  const pattern = /Date\.now\(|new Date\(\)|performance\.now|\bsetTimeout\(|\bsetInterval\(|Math\.random|randomUUID/;
  expect(touching(pattern, ['adapters/system.ts', 'local/'])).toEqual([]);
});

test('core never waits', () =>
  expect(
    product.filter(({ file, text }) => folderOf(file) === 'core' && /\bawait\b/.test(text)).map(({ file }) => file),
  ).toEqual([]));

test('every file opens with what it is', () => {
  expect(sources.filter(({ text }) => !/^(#!.*\n)?(\/\/|\/\*)/.test(text)).map(({ file }) => file)).toEqual([]);
});

test('files are at most 400 lines and functions at most 70', () => {
  const long = product.flatMap(({ file, text }) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
    const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
    const found: string[] = text.split('\n').length > 400 ? [`${file}: ${text.split('\n').length} lines`] : [];
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && 'body' in node && node.body) {
        const lines = lineOf(node.end) - lineOf(node.getStart()) + 1;
        if (lines > 70) found.push(`${file}:${lineOf(node.getStart()) + 1}: a function of ${lines} lines`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return found;
  });
  expect(long).toEqual([]);
});

test('no leftovers: focused or skipped tests, unfinished marks, casts to any, vague file names', () => {
  const marks = new RegExp(
    ['\\.on' + 'ly\\(', '\\.sk' + 'ip\\(', 'TO' + 'DO', 'FIX' + 'ME', 'as a' + 'ny[;,)\\]]', '@ts-ig' + 'nore'].join(
      '|',
    ),
  );
  expect(sources.filter(({ text }) => marks.test(text)).map(({ file }) => file)).toEqual([]);
  expect(
    tracked.filter((file) => /(manager|helper|util|data|info)s?\.ts$/.test(file) && !file.endsWith('control-data.ts')),
  ).toEqual([]);
});

test('the project names no machine and no registry', () => {
  const texts = tracked
    .filter((file) => /\.(ts|py|md|json|txt|sh)$|\.ci\/run$/.test(file) && file !== 'package-lock.json')
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  const machine = new RegExp(
    [
      '/wo' + 'rk/',
      '/tmp/ba' + 'sh_jobs',
      'registry\\.npm' + 'js',
      'files\\.python' + 'hosted',
      'deb\\.deb' + 'ian\\.org',
    ].join('|'),
  );
  expect(texts.filter(({ text }) => machine.test(text)).map(({ file }) => file)).toEqual([]);
});

test('trap numbers in tests and sources are those of docs/traps.md', () => {
  const numbers = sources.flatMap(({ text }) =>
    [...text.matchAll(/\bT(\d{1,3})\b/g)].map(([, number]) => Number(number)),
  );
  expect(numbers.length).toBeGreaterThan(0);
  const page = readFileSync(join(root, 'docs', 'traps.md'), 'utf8');
  const listed = new Set([...page.matchAll(/^- \*\*T(\d+)\*\*: /gm)].map(([, number]) => Number(number)));
  expect([...new Set(numbers)].filter((number) => !listed.has(number))).toEqual([]);
});
