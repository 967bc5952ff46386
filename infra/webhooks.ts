// Webhooks that are told of notices: what a person may write, and what would put a secret into the template. Pure; the construct is
// constructs/webhooks.ts.

import { z } from 'zod';

/** A secret of Secrets Manager: CloudFormation reads it at the deployment, and the template has its name only. */
const secretSchema = z.strictObject({
  secret: z
    .string()
    .regex(
      /^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$/,
      'the name or the ARN of a secret in Secrets Manager',
    ),
  field: z
    .string()
    .regex(/^[A-Za-z0-9_.-]+$/, 'a field of the secret, when that is JSON')
    .optional(),
});

const plainUrl = z.url({ protocol: /^https$/, error: 'Invalid URL: https only' }).superRefine((url, context) => {
  const fault = secretIn(url);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});

const hint = 'put the URL into Secrets Manager: url: { secret: NAME }';

/** Many a chat's address is its password. */
function secretIn(url: string): string | null {
  const { username, password, search, hash, pathname } = new URL(url);
  if (username !== '' || password !== '') return `it has a password in it; ${hint}`;
  if (search !== '' || hash !== '') return `a query may be a secret; ${hint}`;
  const isLong = (part: string) => part.length >= 24 || (part.length >= 12 && /\d/.test(part) && /[a-z]/i.test(part));
  return pathname.split('/').some(isLong) ? `a part of its path looks like a secret; ${hint}` : null;
}

const webhookSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a name is lower-case letters, digits and dashes'),
  url: z.union([plainUrl, secretSchema]),
  /** Sent as a header with each notice. */
  key: secretSchema.optional(),
  header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'the name of a header')
    .default('Authorization'),
  perSecond: z.int().min(1).max(300).default(1),
});

/** EventBridge knows five targets of a rule, and the topic is one. */
export const webhooksSchema = z
  .array(webhookSchema)
  .max(4, 'four webhooks are the most that EventBridge tells at once')
  .superRefine((webhooks, context) => {
    const names = webhooks.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice) context.addIssue({ code: 'custom', message: `two webhooks are called ${twice}` });
  });

export type Webhook = z.output<typeof webhookSchema>;
export type WebhookInput = z.input<typeof webhookSchema>;
export type SecretReference = z.output<typeof secretSchema>;

/** Alarms go to the topic only, and so does the one about a webhook that fails. */
export const lonelyWebhooks = (webhooks: readonly unknown[] = [], others: readonly unknown[] = []): string | null =>
  webhooks.length > 0 && others.length === 0
    ? 'a webhook needs somebody in emails or https beside it: alarms are told there, and that of a webhook that fails'
    : null;
