// The contract of the control plane's REST API (docs/openapi.json): every route's answers have the shape that the document promises,
// every refusal says what and what next, and races leave one winner.

import type { RequestOf } from '../../api/client-types';
import { statusOf } from '../../api/problems';
import { allRoutes, type Route, type RouteId } from '../../api/routes';
import { type ApiBench, ann, asPromised, bob, createApiBench, refusal } from '../support/api-desk';
import { anEntry, aPolicy, value } from '../support/samples';
import { journalStep, setLease, unanswered } from '../unit/cli/support';

let api: ApiBench;
const journaled = (...given: Parameters<typeof journalStep>) => api.clock.until(journalStep(...given));
beforeEach(async () => {
  api = await createApiBench();
});
afterEach(() => expect(api.bugs).toEqual([]));

const key = { 'content-type': 'application/json', 'idempotency-key': 'key-00000001' };
const start = (body: unknown, headers: Record<string, string> = key, who = ann) =>
  api.call('POST /v1/clusters/alpha/operations', { body, headers, who });

const lineOf = ({ method, path }: Route, cluster = 'alpha'): string =>
  `${method} ${path.replace('{cluster}', cluster).replace('{node}', 'db2').replace('{operation}', 'alpha-key-none').replace('{plan}', '7-db2-0123456789')}${path.endsWith('/plan') ? '?kind=switchover' : ''}`;
const why = { reason: 'seen by a person' };
const bodyOf: { [Id in RouteId]?: RequestOf<Id> } = {
  startOperation: { kind: 'switchover' },
  putPolicy: { mode: 'manual', reason: 'a person decides this week' },
  clearHold: why,
  putPromotion: { allowed: false, ...why },
  acknowledgeAttempts: why,
  pauseService: why,
  resumeService: why,
  askApproval: why,
};
/** A healthy cluster has nothing of this kind: what it answers is seen below. */
const needsMore: readonly RouteId[] = ['getOperation', 'getReport', 'clearHold', 'resumeService', 'approve'];
const wellFormed = (id: RouteId, route: Route, cluster?: string) =>
  [
    lineOf(route, cluster),
    { headers: { ...key, 'if-match': '*' }, ...(bodyOf[id] ? { body: bodyOf[id] } : {}) },
  ] as const;

describe('every route', () => {
  test.each(allRoutes.filter(([id]) => !needsMore.includes(id)))(
    '%s answers as the document says',
    async (id, route) => {
      asPromised(id, await api.call(...wellFormed(id, route)));
    },
  );

  test.each(allRoutes)('%s refuses a request that names no principal', async (id, route) => {
    const [line, call] = wellFormed(id, route);
    expect(refusal(await api.call(line, { ...call, who: null }))).toMatchObject({ status: 401, code: 'NotSigned' });
  });

  test.each(allRoutes)('%s refuses what it does not know in the query', async (id, route) => {
    const [line, call] = wellFormed(id, route);
    const found = refusal(await api.call(`${line}${line.includes('?') ? '&' : '?'}colour=red`, call));
    expect(found).toMatchObject({ status: 400, errors: [{ in: 'query', at: 'colour' }] });
  });

  test.each(allRoutes.filter(([, { path }]) => path.includes('{cluster}')))(
    '%s says which clusters there are when it is asked for another',
    async (id, route) => {
      const unknown = refusal(await api.call(...wellFormed(id, route, 'beta')));
      expect(unknown).toMatchObject({ status: 404, code: 'UnknownCluster', detail: expect.stringContaining('alpha') });
      for (const name of ['Alpha', '..', 'a%2Fb', '%ff', 'x'.repeat(40)])
        expect(refusal(await api.call(...wellFormed(id, route, name)))).toMatchObject({
          status: 400,
          code: 'BadRequest',
        });
    },
  );

  test.each(allRoutes)('%s says that the store does not answer, and when to come again', async (id, route) => {
    api = await createApiBench({ settings: unanswered('TimeoutError') as never });
    const reply = await api.call(...wellFormed(id, route));
    expect(refusal(reply)).toMatchObject({ status: 503, code: 'Unreachable' });
    expect(reply.headers['retry-after']).toBe('1');
  });

  test('a method that a path does not know is a 405 with those it knows', async () => {
    const reply = await api.call('DELETE /v1/clusters/alpha/policy');
    expect(refusal(reply).status).toBe(405);
    expect(reply.headers.allow).toBe('GET, PUT');
  });

  test.each(['GET /', 'GET /v1', 'GET /v2/clusters', 'GET /v1/clusters/', 'GET /v1/clusters/alpha/secrets'])(
    '%s is nothing',
    async (line) => expect(refusal(await api.call(line)).code).toBe('NotFound'),
  );

  test('a fault of ours is told as one, without its stack', async () => {
    const settings = { ...api.desk.settings, clusters: () => Promise.reject(new Error('secret: hunter2')) };
    api = await createApiBench({ settings });
    const reply = await api.call('GET /v1/clusters');
    expect(refusal(reply)).toMatchObject({ status: 500, code: 'Bug' });
    expect(reply.body).not.toContain('hunter2');
    expect(api.bugs.splice(0)).toHaveLength(1);
  });
});

describe('bodies', () => {
  const put = (body: unknown, headers = {}) =>
    api.call('PUT /v1/clusters/alpha/policy', {
      body,
      headers: { 'content-type': 'application/json', 'if-match': '*', ...headers },
    });

  test.each([
    ['is no JSON', '{"kind":', '(body)'],
    ['is nothing', '', '(body)'],
    ['is a list', [], '(body)'],
    ['has no kind', { to: 'db2' }, 'kind'],
    ['has a kind that nobody may start', { kind: 'settle' }, 'kind'],
    ['has a field too many', { kind: 'switchover', too: 'db2' }, '(body)'],
    ['names no node to recover', { kind: 'recover' }, 'node'],
    ['names a node that can be none', { kind: 'switchover', to: '../db2' }, 'to'],
    ['has a reason beyond 500 letters', { kind: 'switchover', reason: 'x'.repeat(501) }, 'reason'],
    ['forces with a word', { kind: 'failover', force: 'yes' }, 'force'],
    ['says by whom it is', { kind: 'switchover', by: 'somebody-else' }, '(body)'],
  ])('one that %s is refused, with the place', async (_, body, at) => {
    const found = refusal(await start(body));
    expect(found).toMatchObject({ status: 400, code: 'BadRequest', errors: [{ in: 'body', at }] });
    expect(api.started.size).toBe(0);
  });

  test('beyond 8 KiB is too large, and one of another type is not read', async () => {
    expect(refusal(await start('x'.repeat(8193))).status).toBe(413);
    expect(refusal(await start('kind=switchover', { ...key, 'content-type': 'text/plain' })).status).toBe(415);
  });

  test('every fault of a request is told at once', async () => {
    const found = refusal(await api.call('GET /v1/clusters/alpha/history?limit=0&before=yesterday&operation=a%20b'));
    expect(found).toMatchObject({ errors: [{ at: 'limit' }, { at: 'before' }, { at: 'operation' }] });
  });

  test.each([
    ['without a reason', { mode: 'manual' }],
    ['of blanks as a reason', { mode: 'manual', reason: '   ' }],
    ['for maintenance without an end', { mode: 'maintenance', reason: 'upgrade' }],
    ['for maintenance until some day', { mode: 'maintenance', reason: 'upgrade', until: 'tomorrow' }],
    ['for maintenance that is over', { mode: 'maintenance', reason: 'upgrade', until: '2020-01-01T00:00:00Z' }],
    ['with an end that is none', { mode: 'automatic', reason: 'x', until: '2030-01-01T00:00:00Z' }],
  ])('a policy %s is refused', async (_, body) => expect(refusal(await put(body)).status).toBe(400));
});

describe('starting an operation', () => {
  test('answers 202 with where it can be looked at, and the execution knows who asked and why', async () => {
    const reply = await start({ kind: 'switchover', to: 'db2', reason: 'kernel update' });
    const { operation } = asPromised('startOperation', reply);
    expect(reply.headers.location).toBe(`/v1/clusters/alpha/operations/${operation}`);
    const input = JSON.parse(api.started.get(String(operation))?.input ?? '');
    expect(input).toEqual({ cluster: 'alpha', to: 'db2', reason: 'kernel update', by: ann });
    const looked = asPromised('getOperation', await api.call(`GET ${reply.headers.location}`));
    expect(looked).toMatchObject({ operation, status: 'RUNNING', ended: 'running', entries: [] });
  });

  test('needs an idempotency key that can be one', async () => {
    for (const bad of [undefined, 'short', 'x'.repeat(129), 'with a space'])
      expect(
        refusal(
          await start(
            { kind: 'switchover' },
            { 'content-type': 'application/json', ...(bad ? { 'idempotency-key': bad } : {}) },
          ),
        ),
      ).toMatchObject({
        errors: [{ in: 'header', at: 'idempotency-key' }],
      });
  });

  test('T49: the same key and body are the same operation, at once or later, also when it has ended', async () => {
    const [one, two] = await Promise.all([
      start({ kind: 'switchover', to: 'db2' }),
      start({ kind: 'switchover', to: 'db2' }, key, bob),
    ]);
    expect([one.status, two.status]).toEqual([202, 202]);
    expect(two.json.operation).toBe(one.json.operation);
    expect(api.started.size).toBe(1);
    for (const [name, execution] of api.started) api.started.set(name, { ...execution, status: 'SUCCEEDED' });
    const late = asPromised('startOperation', await start({ kind: 'switchover', to: 'db2' }, key, bob));
    expect(late).toMatchObject({ operation: one.json.operation, replayed: true });
    expect(api.started.size).toBe(1);
  });

  test('the same key with another body is refused, and says what the key has started', async () => {
    const first = await start({ kind: 'switchover', to: 'db2' });
    for (const other of [
      { kind: 'switchover', to: 'db3' },
      { kind: 'failover', to: 'db2', force: true },
      { kind: 'switchover', to: 'db2', reason: 'x' },
    ])
      expect(refusal(await start(other))).toMatchObject({
        status: 422,
        code: 'KeyReused',
        instance: first.json.operation,
      });
    const [one, two] = await Promise.all([
      start({ kind: 'switchover', to: 'db2' }, { ...key, 'idempotency-key': 'key-00000002' }),
      start({ kind: 'switchover', to: 'db3' }, { ...key, 'idempotency-key': 'key-00000002' }),
    ]);
    expect([one.status, two.status].sort()).toEqual([202, 422]);
    expect(api.started.size).toBe(2);
  });

  test('T3: an execution that was started though nobody heard of it is found by its key', async () => {
    const { operations } = api.desk;
    const lossy = {
      ...operations,
      start: async (...all: Parameters<typeof operations.start>) => {
        await operations.start(...all);
        return {
          ok: false as const,
          error: { code: 'Unreachable' as const, message: 'states:StartExecution: TimeoutError', next: 'look' },
        };
      },
    };
    const deaf = await createApiBench({ operations: lossy });
    const request = { body: { kind: 'switchover' }, headers: key };
    expect(refusal(await deaf.call('POST /v1/clusters/alpha/operations', request)).status).toBe(503);
    expect((await deaf.call('POST /v1/clusters/alpha/operations', request)).json).toMatchObject({ replayed: true });
  });

  test.each([
    ['a switchover to the main', { kind: 'switchover', to: 'db1' }, 409, 'AlreadyMain'],
    ['a switchover to a node that there is not', { kind: 'switchover', to: 'db9' }, 404, 'UnknownNode'],
    ['a recovery of the main', { kind: 'recover', node: 'db1' }, 409, 'AlreadyMain'],
    ['a failover to the main', { kind: 'failover', to: 'db1' }, 409, 'AlreadyMain'],
  ])('%s is refused in the words of the command line, and nothing is started', async (_, body, status, code) => {
    expect(refusal(await start(body))).toMatchObject({ status, code });
    expect(api.started.size).toBe(0);
  });

  test('while another operation runs it is refused with that one’s id', async () => {
    const operation = {
      id: 'alpha-key-other',
      kind: 'switchover' as const,
      by: bob,
      since: '2026-01-01T00:00:00.000Z',
    };
    api.started.set(operation.id, { status: 'RUNNING', kind: 'switchover', input: '{"cluster":"alpha"}' });
    await setLease(api, { operation });
    expect(refusal(await start({ kind: 'switchover' }))).toMatchObject({
      status: 409,
      code: 'Busy',
      detail: expect.stringContaining(operation.id),
    });
  });
});

describe('plans', () => {
  const plan = async (query = 'kind=switchover') =>
    asPromised('planOperation', await api.call(`GET /v1/clusters/alpha/plan?${query}`));
  const apply = (id: unknown, headers = key, who = ann) => start({ kind: 'switchover', plan: id }, headers, who);
  const otherKey = { ...key, 'idempotency-key': 'key-00000009' };

  test('say who would become main, and why one would not begin now', async () => {
    expect(await plan()).toMatchObject({ candidate: 'db2', from: 'db1', refusal: null });
    expect(await plan('kind=switchover&to=db1')).toMatchObject({ refusal: { code: 'AlreadyMain' } });
    expect(await plan('kind=failover&force=true')).toMatchObject({ kind: 'failover', refusal: null });
    expect(api.started.size).toBe(0);
  });

  test('of a switchover are neither forced nor do they lose data: 400', async () => {
    const ask = (query: string) => api.call(`GET /v1/clusters/alpha/plan?kind=switchover&${query}`);
    expect(refusal(await ask('acceptLoss=true'))).toMatchObject({
      status: 400,
      errors: [{ in: 'query', at: 'acceptLoss' }],
    });
    expect(refusal(await ask('force=true&acceptLoss=true'))).toMatchObject({
      errors: [{ at: 'force' }, { at: 'acceptLoss' }],
    });
    expect((await ask('force=false&acceptLoss=false')).status).toBe(200);
  });

  test('are applied exactly, and again by the same key', async () => {
    const { id } = await plan();
    const first = asPromised('startOperation', await apply(id));
    expect(first).toMatchObject({ kind: 'switchover', replayed: false });
    expect(JSON.parse(api.started.get(String(first.operation))?.input ?? '')).toMatchObject({
      to: 'db2',
      plan: { id, epoch: 7 },
    });
    expect((await apply(id)).json).toMatchObject({ operation: first.operation, replayed: true });
  });

  test('T49: of two who apply the same plan at once one wins and one is told', async () => {
    const { id } = await plan();
    const both = await Promise.all([apply(id), apply(id, otherKey, bob)]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
    const told = both.find(({ status }) => status === 409);
    expect(told && refusal(told)).toMatchObject({
      code: 'Busy',
      detail: expect.stringContaining('applied by somebody else'),
    });
    expect(api.started.size).toBe(1);
  });

  test('T54: one whose state has changed is refused, and so is one that is none', async () => {
    const { id } = await plan();
    await setLease(api, { epoch: 8 });
    expect(refusal(await apply(id))).toMatchObject({ status: 409, code: 'PlanChanged' });
    expect(refusal(await apply('8-db2'))).toMatchObject({ status: 400, code: 'Usage' });
    expect(api.started.size).toBe(0);
  });
});

describe('looking', () => {
  test('an operation is shown with what it has written down, and one of another cluster is not', async () => {
    await journaled(
      api.desk,
      { kind: 'switchover', name: 'alpha-x-1', input: { cluster: 'alpha', by: ann } },
      'preflight',
    );
    const seen = asPromised('getOperation', await api.call('GET /v1/clusters/alpha/operations/alpha-x-1'));
    expect(seen).toMatchObject({
      kind: 'switchover',
      status: null,
      steps: [{ step: 'preflight' }],
      entries: [{ rule: 'preflight' }],
    });
    api.started.set('beta-x-1', { status: 'RUNNING', kind: 'recover', input: '{"cluster":"beta"}' });
    expect(refusal(await api.call('GET /v1/clusters/alpha/operations/beta-x-1')).code).toBe('NotFound');
  });

  test('an operation that failed says why, and what next', async () => {
    const cause = JSON.stringify({ code: 'DrainTimeout', message: 'db1 did not stop', next: 'look at db1' });
    api.started.set('alpha-x-2', {
      status: 'FAILED',
      kind: 'switchover',
      input: '{"cluster":"alpha"}',
      error: 'Undo.DrainTimeout',
      cause,
    });
    const seen = asPromised('getOperation', await api.call('GET /v1/clusters/alpha/operations/alpha-x-2'));
    expect(seen).toMatchObject({
      status: 'FAILED',
      problem: { code: 'DrainTimeout', message: 'db1 did not stop', next: 'look at db1' },
    });
  });

  test('operations are listed newest first', async () => {
    for (const name of ['a-1', 'a-2', 'a-3'])
      await journaled(api.desk, { kind: 'recover', name, input: { cluster: 'alpha', by: ann } }, 'check-recover');
    const listed = asPromised('listOperations', await api.call('GET /v1/clusters/alpha/operations?limit=2'));
    expect(listed).toMatchObject({ operations: [{ operation: 'a-3' }, { operation: 'a-2' }] });
  });

  test('a cluster that cannot be read hides no other', async () => {
    const { settings } = api.desk;
    const clusters = async () => ({ ok: true as const, value: ['alpha', 'beta'] });
    api = await createApiBench({ settings: { ...settings, clusters } });
    value(await api.desk.settings.clusters());
    const listed = asPromised('listClusters', await api.call('GET /v1/clusters'));
    expect(listed.clusters).toEqual([
      expect.objectContaining({ cluster: 'alpha', main: 'db1' }),
      { cluster: 'beta', error: expect.objectContaining({ code: 'UnknownCluster' }) },
    ]);
  });

  test('a hold is shown with who is kept out and what lifts it', async () => {
    await setLease(api, {
      hold: { reason: 'failed over', epoch: 7 },
      shunned: { db3: { label: 'FAILED-OVER-TO-db1', epoch: 7 } },
    });
    const seen = asPromised('getHold', await api.call('GET /v1/clusters/alpha/hold'));
    expect(seen).toMatchObject({ hold: { epoch: 7 }, shunned: [{ node: 'db3', next: 'mainstay recover alpha db3' }] });
  });

  test('a history is read to its end page by page: nothing is lost, nothing comes twice', async () => {
    const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
    const times = [1, 1, 2, 3, 3, 3, 4, 5];
    for (const [index, second] of times.entries())
      value(await api.desk.journal.append(anEntry('alpha', { at: at(second), rule: `r${index}` })));
    const rules: string[] = [];
    let before = '';
    for (let pages = 0; pages < 9; pages++) {
      const page = asPromised('getHistory', await api.call(`GET /v1/clusters/alpha/history?limit=2${before}`));
      rules.unshift(...(page.entries as { rule: string }[]).map(({ rule }) => rule));
      if (page.before === null) break;
      before = `&before=${page.before}`;
    }
    expect(rules).toEqual(times.map((_, index) => `r${index}`));
  });
});

describe('the policy', () => {
  const get = () => api.call('GET /v1/clusters/alpha/policy');
  const put = (match: string | undefined, body: unknown, who = ann) =>
    api.call('PUT /v1/clusters/alpha/policy', {
      body,
      who,
      headers: { 'content-type': 'application/json', ...(match ? { 'if-match': match } : {}) },
    });
  const manual = { mode: 'manual', reason: 'storage is being moved' };

  test('is set by who has read it; who and why are kept, and stand in the journal', async () => {
    const read = await get();
    const set = await put(read.headers.etag, manual);
    expect(asPromised('putPolicy', set)).toEqual({
      cluster: 'alpha',
      mode: 'manual',
      until: null,
      by: ann,
      reason: manual.reason,
    });
    expect((await get()).headers.etag).toBe(set.headers.etag);
    const entries = value(await api.desk.journal.list('alpha'));
    expect(entries.at(-1)).toMatchObject({
      actor: `operator:${ann}`,
      rule: 'policy',
      because: 'policy automatic -> manual: storage is being moved',
    });
  });

  test('maintenance has its end, in UTC', async () => {
    const set = await put('*', { mode: 'maintenance', until: '2026-01-02T01:00:00Z', reason: 'upgrade' });
    expect(set.json).toMatchObject({ mode: 'maintenance', until: '2026-01-02T01:00:00.000Z' });
  });

  test('is not replaced without saying what is there', async () =>
    expect(refusal(await put(undefined, manual))).toMatchObject({ status: 428, code: 'MatchMissing' }));

  test('of two who have read the same, one is told that it has changed', async () => {
    const { etag } = (await get()).headers;
    const both = await Promise.all([put(etag, manual), put(etag, { mode: 'automatic', reason: 'all is well' }, bob)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(refusal(await put(etag, manual))).toMatchObject({ status: 412, code: 'Changed' });
  });

  test('a policy that changes between the look and the write is not overwritten', async () => {
    const { settings } = api.desk;
    const racing = {
      ...settings,
      policy: async (cluster: string) => {
        const seen = await settings.policy(cluster);
        value(await settings.putPolicy(cluster, aPolicy({ by: 'somebody faster' })));
        return seen;
      },
    };
    const raced = await createApiBench({ settings: racing });
    const store = raced.desk.settings;
    const reply = await raced.call('PUT /v1/clusters/alpha/policy', {
      body: manual,
      headers: { ...key, 'if-match': '*' },
    });
    expect(refusal(reply).code).toBe('Changed');
    expect(value(await store.policy('alpha'))).toMatchObject({ by: 'somebody faster' });
  });
});

test('what the command line refuses with exit code 3 is a conflict, what does not answer is unavailable', () => {
  expect(['AlreadyMain', 'Busy', 'Policy', 'NotShunned'].map((code) => statusOf(code as 'Busy'))).toEqual([
    409, 409, 409, 409,
  ]);
  expect([
    statusOf('Unreachable'),
    statusOf('NotYet'),
    statusOf('Broken'),
    statusOf('Bug'),
    statusOf('UnknownNode'),
  ]).toEqual([503, 503, 502, 500, 404]);
});
