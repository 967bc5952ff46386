// The policy: read with an ETag, replaced only by who has read what is there. Who and why are kept with it and in the journal.

import type { Policy } from '../../core/model';
import { policyNow } from '../../core/policy';
import { configOf } from '../../desk/cluster';
import { policyAct, policySwapped } from '../../desk/policy';
import { must } from '../../desk/problems';
import { recorded } from '../../desk/record';
import type { RequestOf } from '../client-types';
import type { Call, Handler } from '../handle';
import { changed, matching, tagOf } from '../match';
import { apiFailure } from '../problems';

const shown = ({ desk, params: { cluster = '' } }: Call, policy: Policy | null) => ({
  status: 200,
  headers: { etag: tagOf(policy) },
  body: { cluster, ...policyNow(policy, desk.clock.wall()) },
});

export const getPolicy: Handler = async (call) => {
  const { desk, params } = call;
  const { name } = await configOf(desk, params.cluster ?? '');
  return shown(call, must(await desk.settings.policy(name)));
};

export const putPolicy: Handler = async (call) => {
  const { desk, params, who } = call;
  const { name } = await configOf(desk, params.cluster ?? '');
  const match = matching(call, `the policy of ${name}`);
  const was = must(await desk.settings.policy(name));
  match(was, textOf(was));
  const wanted = policyFrom(call.body as RequestOf<'putPolicy'>, who, desk.clock.wall());
  if (!(await policySwapped(desk, name, was, wanted)))
    throw changed(`the policy of ${name}`, textOf(must(await desk.settings.policy(name))));
  const { lease, act } = await policyAct(desk, name, was, wanted);
  // Best effort, as every entry: the policy itself says who and why.
  await recorded(desk, lease, act);
  return shown(call, wanted);
};

const textOf = (policy: Policy | null): string =>
  policy === null ? 'nobody has set one' : `${policy.mode}, set by ${policy.by}: ${policy.reason}`;

function policyFrom(request: RequestOf<'putPolicy'>, by: string, at: string): Policy {
  const until = request.mode === 'maintenance' ? new Date(request.until).toISOString() : null;
  if (until !== null && until <= at)
    throw apiFailure('BadRequest', `maintenance until ${until} is over already`, 'give a time to come', {
      errors: [{ in: 'body', at: 'until', message: 'must be in the future' }],
    });
  return { mode: request.mode, until, by, reason: request.reason, at };
}
