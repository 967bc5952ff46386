// The faults of the matrix as data: what strikes the main or its surroundings, for how long, and what must come of it. Places of
// the network: the nodes, `cloud` (the emulated account), `clients`, and `by-<node>`, a client on that node's side of every cut.

import { isolating, written } from '../../local/netns-backend';
import { between, type Cut } from '../../local/network';
import type { Stack } from '../../local/stack';

export interface Struck {
  stack: Stack;
  main: string;
  backups: string[];
}

export interface Fault {
  /** Traps that it stands for. */
  traps: string[];
  what: string;
  strike: (struck: Struck) => Promise<void>;
  /** Undone again, by the world and not by the product. */
  mend: (struck: Struck) => Promise<void>;
  /** It lasts until another main serves, or so long, in ms. */
  lasts: 'until replaced' | number;
  /** What the product must do. `replaced`: another main; `kept`: the same main at the same epoch; `either`. */
  outcome: 'replaced' | 'kept' | 'either';
  /** Needs disks of their own. */
  disk?: true;
}

const cut = ({ stack, main }: Struck, cuts: readonly Cut[]) => stack.order('cut', main, { cuts: written(cuts) });
const healCuts = (struck: Struck) => cut(struck, []);
const order =
  (name: string, parameters: Record<string, string> = {}) =>
  ({ stack, main }: Struck) =>
    stack.order(name, main, parameters);
const nothing = async (): Promise<void> => undefined;

// biome-ignore format: a table
export const faults: Record<string, Fault> = {
  'power off': { traps: ['T15'], what: 'everything on the main is killed at once and stays off',
    strike: order('pull-plug'), mend: order('power-on'), lasts: 'until replaced', outcome: 'replaced' },
  'engine killed': { traps: ['T31'], what: 'the postmaster of the main is killed with -9',
    strike: order('kill-engine'), mend: nothing, lasts: 5000, outcome: 'kept' },
  'agent lost': { traps: ['T6'], what: 'the agent of the main is killed and nobody starts it again; the engine lives',
    strike: order('lose-agent'), mend: order('start-agent'), lasts: 'until replaced', outcome: 'replaced' },
  'agent frozen': { traps: ['T5', 'T6'], what: 'the agent of the main stands still; the engine lives',
    strike: order('freeze-agent'), mend: order('thaw-agent'), lasts: 'until replaced', outcome: 'replaced' },
  'node frozen': { traps: ['T5', 'T14'], what: 'everything on the main stands still and goes on 20 s later: the zombie',
    strike: order('freeze'), mend: order('thaw'), lasts: 20_000, outcome: 'replaced' },
  'clean stop': { traps: ['T60'], what: 'the agent of the main is stopped as by systemctl, and started again',
    strike: order('stop-agent'), mend: order('start-agent'), lasts: 8000, outcome: 'kept' },
  'cut off': { traps: ['T20'], what: 'the main is cut off from everybody, with a client on its side',
    strike: (at) => cut(at, isolating(at.main, ['cloud', 'clients', ...at.backups, ...at.backups.map((name) => `by-${name}`)])), mend: healCuts, lasts: 'until replaced', outcome: 'replaced' },
  'cut from the store': { traps: ['T20'], what: 'the main loses the store and nothing else',
    strike: (at) => cut(at, between([at.main], ['cloud'])), mend: healCuts, lasts: 'until replaced', outcome: 'replaced' },
  'answers of the store lost': { traps: ['T3', 'T20'], what: 'what the main sends reaches the store, no answer comes back',
    strike: (at) => cut(at, [['cloud', at.main]]), mend: healCuts, lasts: 12_000, outcome: 'either' },
  'cut from its backups': { traps: ['T21', 'T30'], what: 'the main loses its backups and nothing else',
    strike: (at) => cut(at, between([at.main], at.backups)), mend: healCuts, lasts: 12_000, outcome: 'kept' },
  'clients cut off': { traps: ['T22'], what: 'the clients lose the main, which is well',
    strike: (at) => cut(at, between([at.main], ['clients'])), mend: healCuts, lasts: 10_000, outcome: 'kept' },
  'backups cut from the store': { traps: ['T23'], what: 'the observers lose the store, the main is well',
    strike: (at) => cut(at, between(at.backups, ['cloud'])), mend: healCuts, lasts: 12_000, outcome: 'kept' },
  'store away': { traps: ['T25', 'T26'], what: 'the whole control plane hangs for everybody for 12 s and comes back',
    strike: order('account-away'), mend: order('account-back'), lasts: 12_000, outcome: 'kept' },
  'store away and main lost': { traps: ['T24'], what: 'the control plane hangs, and the main loses its power meanwhile',
    strike: async (at) => { await at.stack.order('account-away', at.main); await at.stack.order('power-cut', at.main); },
    mend: order('account-back'), lasts: 8000, outcome: 'replaced' },
  'lossy link': { traps: ['T68'], what: 'every tenth packet of the main is lost',
    strike: order('lose', { percent: '10' }), mend: order('lose', { percent: '0' }), lasts: 10_000, outcome: 'either' },
  'slow link': { traps: ['T68'], what: 'the main has 256 kbit/s',
    strike: order('slow', { kbit: '256' }), mend: order('slow', { kbit: '0' }), lasts: 10_000, outcome: 'either' },
  'disk full': { traps: ['T63'], what: 'nothing fits on the disk of the main any more',
    strike: order('fill-disk'), mend: order('free-disk'), lasts: 10_000, outcome: 'either', disk: true },
  'disk stalls': { traps: ['T12', 'T14'], what: 'no write to the disk of the main comes back any more',
    strike: order('stall-disk'), mend: order('revive-disk'), lasts: 'until replaced', outcome: 'replaced', disk: true },
};
