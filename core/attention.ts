// What a person is told by `Attention Needed`: a sentence, what to do, and where the runbook goes on. Pure. A mail is made of these
// three (infra/constructs/notifications.ts); a notice that lacks one must not be possible to write.

import type { MainstayEvent } from './ports';
import type { Section } from './runbook';

export interface Notice {
  /** What is wrong, as a sentence without its full stop. */
  because: string;
  /** What the reader does next. */
  next: string;
  /** Where docs/runbook.md goes on. */
  section: Section;
}

export const attention = (cluster: string, notice: Notice & Record<string, unknown>): MainstayEvent => ({
  type: 'Attention Needed',
  cluster,
  detail: { ...notice },
});
