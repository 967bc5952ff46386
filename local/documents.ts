// What SSM makes of a command document before a host sees it: the parameters are judged by their patterns, and written into the script
// as plain text. Must never be kinder than AWS: a value that gets through here is one that the script has to stand.

import { fail, ok, type Result } from '../core/result';
import type { CommandDocument } from '../infra/documents';

export function scriptFor(document: CommandDocument, values: Record<string, string>): Result<string, string> {
  const wrong = [
    ...Object.keys(values).filter((name) => !document.parameters[name]),
    ...Object.entries(document.parameters).flatMap(([name, { allowedPattern }]) =>
      new RegExp(allowedPattern).test(values[name] ?? '') ? [] : [name],
    ),
  ];
  if (wrong.length > 0) return fail(`parameters not allowed: ${wrong.join(', ')}`);
  return ok(withValues(document, values));
}

/** Without any judgement. */
export const withValues = ({ mainSteps }: CommandDocument, values: Record<string, string>): string =>
  mainSteps
    .flatMap(({ inputs }) => inputs.runCommand)
    .join('\n')
    .replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
