// The table in docs/detection.md that is drawn from core/triggers.ts. Pure.

import { triggerRules } from '../core/triggers';

const [begin, end] = ['<!-- triggers -->\n', '<!-- /triggers -->'];

const rows = triggerRules.map(
  ({ id, on, act, because }) =>
    `| ${id} | ${on === 'any' ? 'any' : on.map((kind) => `\`${kind}\``).join(' ')} | ${act} | ${because} |`,
);

/** The page with its table as the code has it. */
export function withTriggers(page: string): string {
  const [before = '', rest = ''] = page.split(begin);
  const after = rest.split(end)[1] ?? '';
  return `${before}${begin}| rule | on | does | because |\n|---|---|---|---|\n${rows.join('\n')}\n${end}${after}`;
}
