// The policy: read with an ETag, replaced only by who has read what is there. Who and why are kept with it and in the journal.

import { createHash } from 'node:crypto';
import type { Policy } from '../../core/model';
import { policyNow } from '../../core/policy';
import { configOf } from '../../desk/cluster';
import { policyAct, policySwapped } from '../../desk/policy';
import { must } from '../../desk/problems';
import { recorded } from '../../desk/record';
import type { Call, Handler } from '../handle';
import { apiFailure } from '../problems';
import type { PolicyRequest } from '../schemas';

const tagOf = (policy: Policy | null): string =>
  `"${policy === null ? 'none' : createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 20)}"`;

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
  const match = call.headers['if-match'];
  if (match === undefined)
    throw apiFailure(
      'MatchMissing',
      'a policy is replaced only by who says what is there',
      'GET it, and send its ETag as If-Match',
    );
  const was = must(await desk.settings.policy(name));
  if (match !== '*' && match !== tagOf(was)) throw changed(name);
  const wanted = policyFrom(call.body as PolicyRequest, who, desk.clock.wall());
  if (!(await policySwapped(desk, name, was, wanted))) throw changed(name);
  const { lease, act } = await policyAct(desk, name, was, wanted);
  // Best effort, as every entry: the policy itself says who and why.
  await recorded(desk, lease, act);
  return shown(call, wanted);
};

const changed = (cluster: string) =>
  apiFailure(
    'PolicyChanged',
    `the policy of ${cluster} is not what was read any more`,
    'GET it again, then decide again',
  );

function policyFrom(request: PolicyRequest, by: string, at: string): Policy {
  const until = request.mode === 'maintenance' ? new Date(request.until).toISOString() : null;
  if (until !== null && until <= at)
    throw apiFailure('BadRequest', `maintenance until ${until} is over already`, 'give a time to come', {
      errors: [{ in: 'body', at: 'until', message: 'must be in the future' }],
    });
  return { mode: request.mode, until, by, reason: request.reason, at };
}
