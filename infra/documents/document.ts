// How a command document of SSM is made: schema 2.2, one shell script, every parameter with an allowed pattern. SSM writes the values into
// the script's text before any shell reads it, so the pattern is the defence: none of them lets a quote, a backslash, a blank or a
// line's end through. The script then holds each value in single quotes and looks at it once more, as a whole line.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Parameter {
  type: 'String';
  description: string;
  allowedPattern: string;
}

export interface CommandDocument {
  schemaVersion: '2.2';
  description: string;
  parameters: Record<string, Parameter>;
  mainSteps: { action: 'aws:runShellScript'; name: string; inputs: { timeoutSeconds: string; runCommand: string[] } }[];
}

const parameter = (description: string, allowedPattern: string): Parameter => ({
  type: 'String',
  description,
  allowedPattern,
});

/** Read by SSM (anchored here, for nobody promises that it anchors) and by `grep -E`: and within what Go's
 * expressions take (no repetition above 1,000). */
export const parameters = {
  cluster: parameter('Cluster', '^[a-z][a-z0-9-]{0,30}$'),
  epoch: parameter('Epoch that the sender acts for', '^[0-9]{1,15}$'),
  expires: parameter('Unix time in seconds; what is delivered later does nothing', '^[0-9]{1,12}$'),
  host: parameter('Name or address of the new main', '^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$'),
  /** No component begins with a dot: neither `..` nor a hidden file. */
  file: parameter('Absolute path of a properties file', '^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$'),
  key: parameter('Key in that file', '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$'),
  table: parameter('DynamoDB table', '^[A-Za-z0-9_][A-Za-z0-9_.-]{2,254}$'),
  region: parameter('Region of the table', '^[a-z][a-z0-9-]{4,29}$'),
  source: parameter('Where the bundle of the agent is', '^s3://[a-z0-9.-]{3,63}/[A-Za-z0-9_./-]+$'),
  sha256: parameter('Sum of the bundle', '^[0-9a-f]{64}$'),
  nodes: parameter('Which instance is which node', '^i-[0-9a-f]+=[a-z][a-z0-9-]*(,i-[0-9a-f]+=[a-z][a-z0-9-]*)*$'),
  /** An object's brace in base64 is an e. */
  settings: parameter('Settings of the agent that a node does not have yet: JSON in base64', '^e[A-Za-z0-9+/]+=*$'),
  service: parameter('Unit of systemd that reads it', '^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,120}$'),
};

/** The script of a document stands beside this file: it can be checked, run and read as one. */
const scriptOf = (name: string): string[] =>
  readFileSync(join(__dirname, `${name}.sh`), 'utf8')
    .trimEnd()
    .split('\n');

/** Each value in a variable of its parameter's name, and refused unless it is one line that fits the pattern as a whole. */
const prelude = (taken: Record<string, Parameter>): string[] => [
  'set -eu',
  'fail() { printf \'mainstay: %s\\n\' "$1" >&2; exit 1; }',
  'allowed() {',
  '  if [ "$(printf \'%s\\n\' "$2" | wc -l)" -ne 1 ] || ! printf \'%s\\n\' "$2" | LC_ALL=C grep -Eqx -e "$3"; then',
  '    fail "the parameter $1 is not one that this document takes: nothing is done"',
  '  fi',
  '}',
  ...Object.entries(taken).flatMap(([name, { allowedPattern }]) => [
    `${name}='{{${name}}}'`,
    `allowed ${name} "$${name}" '${allowedPattern}'`,
  ]),
];

export const documentOf = (
  name: string,
  description: string,
  taken: Record<string, Parameter>,
  timeoutS: number,
): CommandDocument => ({
  schemaVersion: '2.2',
  description,
  parameters: taken,
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name,
      inputs: { timeoutSeconds: String(timeoutS), runCommand: [...prelude(taken), ...scriptOf(name)] },
    },
  ],
});
