// Lets a cluster's configuration name instances and addresses of the same app, whose ids exist only when the app is deployed:
// for the validation they stand in as ids of the right form, and come back afterwards.

import { Token } from 'aws-cdk-lib';

/** Fields that are checked for their form, and how a stand-in begins. */
const forms: Record<string, string> = { instanceId: 'i-', allocationId: 'eipalloc-' };

/** Every string of a value, with the field that holds it. */
function mapStrings(value: unknown, change: (text: string, field: string) => string, field = ''): unknown {
  if (typeof value === 'string') return change(value, field);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapStrings(item, change, name)]));
}

/** What `parse` makes of the value while its tokens are replaced by stand-ins, with the tokens put back. */
export function parsedWithTokens<Parsed>(value: unknown, parse: (value: unknown) => Parsed): Parsed {
  const tokens = new Map<string, string>();
  const standIn = (text: string, field: string): string => {
    const form = forms[field];
    if (form === undefined || !Token.isUnresolved(text)) return text;
    const known = [...tokens].find(([, token]) => token === text)?.[0];
    const name = known ?? `${form}${(0xfade0000 + tokens.size).toString(16)}`;
    tokens.set(name, text);
    return name;
  };
  const parsed = parse(mapStrings(value, standIn));
  return mapStrings(parsed, (text) => tokens.get(text) ?? text) as Parsed;
}
