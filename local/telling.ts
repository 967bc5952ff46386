// A journal entry as a line of the demo's timeline: the events an operator would tell, in the field's own words.

import type { JournalEntry } from '../core/ports';

export interface Told {
  what: string;
  text: string;
}

/** Steps worth a line, by the word that an operator would use. */
const words: Record<string, string> = {
  'Lease Expired': 'lease expired',
  claim: 'claimed',
  fence: 'fence',
  promote: 'promoted',
  'move-vip': 'VIP moved',
  reconfigure: 'reconfigured',
  confirm: 'confirmed',
  'power-on': 'power on',
  rejoin: 'rejoined',
  release: 'released',
  'withdraw-vip': 'VIP withdrawn',
  drain: 'drained',
  barrier: 'barrier',
  transfer: 'transferred',
  end: 'ended',
};

/** First steps: their start is the start of the execution. */
const first = ['verify', 'preflight', 'check-recover'];

export function tellingOf(entry: JournalEntry): Told[] {
  const { kind, rule, because, operation, details } = entry;
  if (kind === 'refusal') return [{ what: 'refused', text: `${rule}: ${because}` }];
  if (first.includes(rule)) {
    const verified = rule === 'verify' ? [{ what: 'verified', text: because }] : [];
    return [{ what: 'execution', text: `${operation} started` }, ...verified];
  }
  if (rule.startsWith('choose-') && typeof details?.candidate === 'string') {
    const why = because.split(`${details.candidate} chosen: `)[1] ?? '';
    return [{ what: 'chosen', text: `${details.candidate}: ${why}` }];
  }
  const what = words[rule];
  return what === undefined ? [] : [{ what, text: because }];
}
