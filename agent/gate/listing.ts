// What nft shows of the gate's table, read: pure. The fixed part (everything but the elements of the moving sets and the mark)
// tells whether the rules are those that were installed; the moving part tells what the gate lets through.

import type { GateStatus } from '../../core/gate';
import { MOVING_SETS, type MovingSet, markOf } from './rules';

export interface Listing {
  /** Ms that are left of each element, by set; null for one without end. */
  elements: Record<MovingSet, Map<number, number | null>>;
  /** The listing without what moves. */
  fixedPart: string;
  marks: string[];
}

const UNIT_MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** `1m2s893ms` in ms. */
export const durationMs = (text: string): number =>
  [...text.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0),
    0,
  );

const elementsIn = (body: string): Map<number, number | null> => {
  const [, inside = ''] = /elements = \{([^}]*)\}/.exec(body) ?? [];
  const found = inside.split(',').flatMap((element): [number, number | null][] => {
    const [value = ''] = element.trim().split(/\s/);
    const [, left] = /expires (\w+)/.exec(element) ?? [];
    return value === '' ? [] : [[Number(value), left === undefined ? null : durationMs(left)]];
  });
  return new Map(found);
};

/** The table in nft's answer, null when it is not there. */
export function readListing(answer: string, table: string): Listing | null {
  const [shown] = new RegExp(`^table inet ${table} \\{\\n[\\s\\S]*?^\\}$`, 'm').exec(answer) ?? [];
  if (shown === undefined) return null;
  const bodyOf = (name: string): string =>
    new RegExp(`^\\tset ${name} \\{\\n[\\s\\S]*?^\\t\\}$`, 'm').exec(shown)?.[0] ?? '';
  const elements = Object.fromEntries(MOVING_SETS.map((name) => [name, elementsIn(bodyOf(name))]));
  let fixedPart = shown;
  for (const name of MOVING_SETS)
    fixedPart = fixedPart.replace(bodyOf(name), bodyOf(name).replace(/\n\t\telements = \{[^}]*\}/, ''));
  const marks = [...shown.matchAll(/^\tset (as_\w+) \{\n[\s\S]*?^\t\}\n*/gm)];
  for (const [body] of marks) fixedPart = fixedPart.replace(body, '');
  return {
    elements: elements as Listing['elements'],
    fixedPart: fixedPart.replace(/\s+/g, ' '),
    marks: marks.map(([, name = '']) => name),
  };
}

/** Made of the rules with this digest, and unchanged since. */
export const isIntact = (listing: Listing | null, madeOf: string): listing is Listing =>
  listing !== null && listing.marks.length === 1 && listing.marks[0] === markOf(madeOf, listing.fixedPart);

/** What the kernel lets through now, by what it shows. */
export function stateOf({ elements }: Listing): Pick<GateStatus, 'state' | 'leftMs'> {
  if (elements.readers.size > 0) return { state: 'read-only', leftMs: null };
  for (const slot of ['a', 'b'] as const) {
    const left = [...elements[`promise_${slot}`].values()].map((ms) => ms ?? 0);
    if (elements[`confirmed_${slot}`].size > 0 && left.length > 0)
      return { state: 'promise', leftMs: Math.min(...left) };
  }
  return { state: 'shut', leftMs: null };
}

/** Shut on purpose, not only because a promise ran out. */
export const refuses = ({ elements }: Listing): boolean => elements.refusing.size > 0;

/** The slot that a new promise goes into: the one that is not in use. */
export const freeSlot = ({ elements }: Listing): 'a' | 'b' => (elements.confirmed_a.size > 0 ? 'b' : 'a');
