// Where in docs/runbook.md the reader of a notice goes on: the anchor of a section for everything that people are told of. Pure. That each
// section is there, and that none is told of nowhere, is held by test/unit/runbook.test.ts.

import type { StepCode } from './errors';

/** What ends an execution at `Needs a person`. */
export const haltSections = {
  StaleEpoch: 'needs-a-person',
  Unproven: 'unproven-fence',
  NobodyLeft: 'nobody-left',
  PromoteFailed: 'nobody-left',
  Broken: 'needs-a-person',
} as const satisfies Record<StepCode<'Halt'>, string>;

/** Of an error name such as `Halt.Unproven`; whatever else fails after the point of no return needs a person as well. */
export function sectionOf(errorName: string | undefined): Section {
  const [family, code = ''] = (errorName ?? '').split('.');
  return family === 'Halt' && code in haltSections ? haltSections[code as StepCode<'Halt'>] : 'needs-a-person';
}

/** Of the other notices. */
export const noticeSections = {
  ended: 'an-operation-has-ended',
  instance: 'an-instance-is-in-trouble',
  replication: 'a-backup-is-no-longer-waited-for',
  braked: 'the-brake-holds',
  maintenance: 'a-maintenance-is-over',
  drill: 'a-drill',
  notReady: 'a-failover-would-not-work',
} as const;

export type Section =
  | (typeof haltSections)[keyof typeof haltSections]
  | (typeof noticeSections)[keyof typeof noticeSections];
