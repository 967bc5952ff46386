// The settings of a node as an installation leaves them: what the node has stays, what it lacks is filled in. Must never replace a value that
// somebody wrote on the node, secrets least of all. Pure.

import { type AgentSettings, parseSettings } from '../settings';

type Tree = Record<string, unknown>;

export interface GivenSettings {
  cluster: string;
  node: string;
  table: string;
  /** More of agent.json, from mainstay.config.ts. */
  settings: Tree;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `there` wins wherever it says anything. */
export const filledIn = (there: Tree, given: Tree): Tree =>
  Object.fromEntries(
    [...new Set([...Object.keys(there), ...Object.keys(given)])].map((key) => {
      const [own, other] = [there[key], given[key]];
      if (isTree(own) && isTree(other)) return [key, filledIn(own, other)];
      return [key, own === undefined ? other : own];
    }),
  );

const usual = {
  stateDir: '/var/lib/mainstay',
  engine: { logDir: '/var/log/mainstay', evidenceDir: '/var/lib/mainstay/evidence' },
};

export interface SettingsFile {
  settings: AgentSettings;
  /** What the file shall hold. */
  text: string;
}

/** Throws what is wrong with it, and when this host is another node already. */
export function settingsFile(there: string | null, given: GivenSettings, file: string): SettingsFile {
  const { cluster, node, table, settings: more } = given;
  const own = there === null ? {} : treeOf(there, file);
  for (const [key, value] of Object.entries({ cluster, node, table })) {
    if (own[key] !== undefined && own[key] !== value)
      throw new Error(`this host is set up with ${key} '${own[key]}', not '${value}' (${file}): nothing is changed`);
  }
  const whole = filledIn(own, filledIn({ cluster, node, table }, filledIn(more, usual)));
  const settings = parseSettings(whole, file);
  // A file that says everything is left as its author has laid it out.
  const same = there !== null && JSON.stringify(whole) === JSON.stringify(own);
  return { settings, text: same ? there : `${JSON.stringify(whole, null, 2)}\n` };
}

function treeOf(text: string, file: string): Tree {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : error}; nothing is changed`);
  }
  if (!isTree(value)) throw new Error(`${file} is no JSON object: nothing is changed`);
  return value;
}
