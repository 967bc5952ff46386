// The contract of what the REST API changes beside operations: holds, bars, acknowledged failovers, pause and resume, losing data with two
// people's yes; and of the report. Each change has a reason and a name on record, and of two who want the same one is told.

import { acceptable } from '../../api/accept';
import type { RouteId } from '../../api/routes';
import { ok } from '../../core/result';
import { type ApiBench, ann, asPromised, bob, createApiBench, refusal } from '../support/api-desk';
import { aConfig, aReport, value } from '../support/samples';
import { journalStep, leaseOf, setLease, unanswered } from '../unit/cli/support';

let api: ApiBench;
beforeEach(async () => {
  api = await createApiBench();
});
afterEach(() => expect(api.bugs).toEqual([]));

const json = { 'content-type': 'application/json' };
const why = { reason: 'seen with my own eyes' };
const get = (path: string, headers: Record<string, string> = {}) =>
  api.call(`GET /v1/clusters/alpha/${path}`, { headers });
const send = (line: string, body: unknown, { match, who = ann }: { match?: string | undefined; who?: string } = {}) => {
  const [method, path] = line.split(' ');
  const headers = { ...json, ...(match === undefined ? {} : { 'if-match': match }) };
  return api.call(`${method} /v1/clusters/alpha/${path}`, { body, who, headers });
};
const tagOf = async (path: string) => (await get(path)).headers.etag;
const lastEntry = async () => value(await api.desk.journal.list('alpha')).at(-1);
/** One of two at once goes through; gives the refusal that the other one got. */
async function oneOfTwo(both: ReturnType<typeof send>[], good = 200) {
  const replies = await Promise.all(both);
  expect(replies.filter(({ status }) => status === good)).toHaveLength(1);
  const told = replies.find(({ status }) => status !== good);
  if (!told) throw new Error('nobody was told');
  return refusal(told);
}

test.each<[RouteId, string]>([
  ['clearHold', 'POST hold/clear'],
  ['putPromotion', 'PUT nodes/db2/promotion'],
  ['acknowledgeAttempts', 'POST attempts/acknowledge'],
  ['pauseService', 'POST pause'],
  ['resumeService', 'POST resume'],
  ['askApproval', 'POST approvals'],
])('%s needs a reason, and changes nothing without one', async (id, line) => {
  const before = await leaseOf(api);
  for (const reason of [undefined, '   ']) {
    const body = { ...(id === 'putPromotion' ? { allowed: false } : {}), ...(reason ? { reason } : {}) };
    expect(refusal(await send(line, body, { match: '*' }))).toMatchObject({ errors: [{ in: 'body', at: 'reason' }] });
  }
  expect(await leaseOf(api)).toEqual(before);
  expect(await lastEntry()).toBeUndefined();
});

test.each([
  ['POST hold/clear', why],
  ['PUT nodes/db2/promotion', { allowed: false, ...why }],
  ['POST attempts/acknowledge', why],
])('%s is refused without If-Match', async (line, body) => {
  await setLease(api, { hold: { reason: 'x', epoch: 7 } });
  expect(refusal(await send(line, body))).toMatchObject({ status: 428, code: 'MatchMissing' });
});

test('a change that the journal does not take is made, and the answer says so', async () => {
  const journal = { list: api.desk.journal.list, append: unanswered('TimeoutError').policy };
  api = await createApiBench({ journal });
  const reply = await send('PUT nodes/db2/promotion', { allowed: false, ...why }, { match: '*' });
  expect(asPromised('putPromotion', reply)).toMatchObject({ allowed: false, recorded: false });
});

describe('the hold', () => {
  const held = { hold: { reason: 'db3 lost the main role', epoch: 7 } };
  const out = { shunned: { db3: { label: 'FAILED-OVER-TO-db1', epoch: 7 } } };

  test('is lifted by who has looked at it; who and why are on record, and who is out stays out', async () => {
    await setLease(api, { ...held, ...out });
    const cleared = await send('POST hold/clear', why, { match: await tagOf('hold') });
    expect(asPromised('clearHold', cleared)).toMatchObject({
      hold: null,
      shunned: [{ node: 'db3', next: 'mainstay recover alpha db3' }],
      recorded: true,
    });
    expect(await leaseOf(api)).toMatchObject({ hold: null, ...out });
    expect(await lastEntry()).toMatchObject({
      actor: `operator:${ann}`,
      because: 'hold lifted: seen with my own eyes; still shunned: db3',
    });
  });

  test('of a later failover is not lifted by who has seen the earlier one, and what is there now is said', async () => {
    await setLease(api, held);
    const match = await tagOf('hold');
    await setLease(api, { hold: { reason: 'db1 lost it, too', epoch: 9 } });
    expect(refusal(await send('POST hold/clear', why, { match }))).toMatchObject({
      status: 412,
      code: 'Changed',
      detail: 'the hold of alpha is not what was read any more: since epoch 9: db1 lost it, too',
    });
    expect(await leaseOf(api)).toMatchObject({ hold: { epoch: 9 } });
  });

  test('that comes between the look and the write is seen as well', async () => {
    await setLease(api, held);
    const match = await tagOf('hold');
    const { leases } = api.desk;
    let struck = false;
    api.desk.leases = {
      ...leases,
      swap: async (was, next) => {
        if (!struck) {
          struck = true;
          api.desk.leases = leases;
          await setLease(api, { hold: { reason: 'again', epoch: 8 } });
        }
        return leases.swap(was, next);
      },
    };
    expect(refusal(await send('POST hold/clear', why, { match })).code).toBe('Changed');
    expect(await leaseOf(api)).toMatchObject({ hold: { reason: 'again' } });
  });

  test('is lifted once: the other of two is told that it is gone, and so is who lifts none', async () => {
    await setLease(api, held);
    const match = await tagOf('hold');
    const told = await oneOfTwo([
      send('POST hold/clear', why, { match }),
      send('POST hold/clear', why, { match, who: bob }),
    ]);
    expect(told).toMatchObject({ status: 412, detail: expect.stringContaining('there is none') });
    expect(refusal(await send('POST hold/clear', why, { match: '*' }))).toMatchObject({
      ...{ status: 409, code: 'LeaseRefused' },
      detail: expect.stringContaining('there is no hold'),
    });
  });
});

describe('who may become main', () => {
  const set = (node: string, allowed: boolean, match: string | undefined, who = ann) =>
    send(`PUT nodes/${node}/promotion`, { allowed, ...why }, { match, who });

  test('is settled per node, with who and why, and the plan goes by it', async () => {
    expect(asPromised('getPromotion', await get('nodes/db2/promotion'))).toMatchObject({ allowed: true, by: null });
    const barred = await set('db2', false, await tagOf('nodes/db2/promotion'));
    expect(asPromised('putPromotion', barred)).toMatchObject({ allowed: false, by: ann, ...why, recorded: true });
    expect(await lastEntry()).toMatchObject({ rule: 'bar', because: `db2 is not to become main: ${why.reason}` });
    expect((await get('plan?kind=switchover')).json).toMatchObject({ candidate: 'db3' });
    expect(asPromised('putPromotion', await set('db2', true, barred.headers.etag))).toMatchObject({ allowed: true });
    expect((await leaseOf(api)).barred).toEqual({});
  });

  test('of two who have read the same one is told who was faster and why', async () => {
    const match = await tagOf('nodes/db2/promotion');
    const told = await oneOfTwo([set('db2', false, match), set('db2', false, match, bob)]);
    expect(told).toMatchObject({ status: 412, detail: expect.stringContaining(`has barred it: ${why.reason}`) });
  });

  test('the main is not barred, and a node that there is not neither', async () => {
    expect(refusal(await set('db1', false, '*'))).toMatchObject({
      status: 409,
      detail: expect.stringContaining('db1 is the main: move the role away first'),
    });
    expect(refusal(await set('db9', false, '*'))).toMatchObject({ status: 404, code: 'UnknownNode' });
  });
});

describe('automatic failovers', () => {
  const attempts = [{ operation: 'alpha-failover-e6-r1-0', at: '2026-01-01T00:00:00.000Z' }];

  test('are acknowledged by who has seen them (T59)', async () => {
    await setLease(api, { attempts });
    expect(asPromised('getAttempts', await get('attempts'))).toMatchObject({ attempts });
    const seen = await send('POST attempts/acknowledge', why, { match: await tagOf('attempts') });
    expect(asPromised('acknowledgeAttempts', seen)).toMatchObject({ attempts: [], recorded: true });
    expect(await lastEntry()).toMatchObject({ because: `automatic failovers acknowledged: ${why.reason}` });
  });

  test('one that nobody has seen yet is not acknowledged with the others', async () => {
    await setLease(api, { attempts });
    const match = await tagOf('attempts');
    const later = { operation: 'alpha-failover-e8-r1-0', at: '2026-01-01T01:00:00.000Z' };
    await setLease(api, { attempts: [...attempts, later] });
    expect(refusal(await send('POST attempts/acknowledge', why, { match }))).toMatchObject({
      status: 412,
      detail: expect.stringContaining(`there are 2, the last one ${later.operation}`),
    });
    expect((await leaseOf(api)).attempts).toHaveLength(2);
  });
});

describe('pause and resume', () => {
  test('the main is asked to stop, once: the other of two is told', async () => {
    const told = await oneOfTwo([send('POST pause', why), send('POST pause', why, { who: bob })], 202);
    expect(told).toMatchObject({ status: 409, code: 'LeaseRefused' });
    expect(await leaseOf(api)).toMatchObject({ phase: 'held', drain: 'pause' });
    expect(refusal(await send('POST pause', why))).toMatchObject({
      status: 409,
      detail: 'alpha is being paused already: db1 has been asked to stop',
    });
  });

  test('the answer says what is under way, and the journal who and why', async () => {
    const asked = asPromised('pauseService', await send('POST pause', why));
    expect(asked).toMatchObject({ main: 'db1', phase: 'held', drain: 'pause', epoch: 7, recorded: true });
    expect(await lastEntry()).toMatchObject({
      actor: `operator:${ann}`,
      because: `db1 is asked to stop cleanly: ${why.reason}`,
    });
    await setLease(api, { phase: 'paused', drain: null, pausedBy: 'operator' });
    const resumed = asPromised('resumeService', await send('POST resume', why, { who: bob }));
    expect(resumed).toMatchObject({ main: 'db1', phase: 'granted', epoch: 8, recorded: true });
    expect(await lastEntry()).toMatchObject({
      actor: `operator:${bob}`,
      because: `db1 may be main again at epoch 8: ${why.reason}`,
    });
  });

  test('a service that is not paused is not resumed, and one that is resumed already neither', async () => {
    expect(refusal(await send('POST resume', why))).toMatchObject({ status: 409, code: 'NotPaused' });
    await setLease(api, { phase: 'paused', pausedBy: 'operator' });
    const told = await oneOfTwo([send('POST resume', why), send('POST resume', why, { who: bob })], 202);
    expect(told.status).toBe(409);
    expect((await leaseOf(api)).epoch).toBe(8);
  });

  test('neither happens while an operation runs', async () => {
    const operation = { id: 'alpha-key-other', kind: 'switchover' as const, by: bob, since: '2026-01-01' };
    api.started.set(operation.id, { status: 'RUNNING', kind: 'switchover', input: '{"cluster":"alpha"}' });
    await setLease(api, { operation });
    expect(refusal(await send('POST pause', why))).toMatchObject({ status: 409, code: 'Busy' });
    await setLease(api, { phase: 'paused', pausedBy: 'operator' });
    expect(refusal(await send('POST resume', why))).toMatchObject({ status: 409, code: 'Busy' });
  });
});

const begin = (path: string, body: unknown, key = 'key-00000001', who = ann) =>
  api.call(`POST /v1/clusters/alpha/${path}`, {
    who,
    headers: { ...(body === undefined ? {} : json), 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });

describe('failback', () => {
  test('goes to the preferred node, with a reason, and again by the same key', async () => {
    const body = { kind: 'failback', reason: 'db2 has its new disk' };
    expect(refusal(await begin('operations', body))).toMatchObject({ status: 409, code: 'NotAllowed' });
    expect(refusal(await begin('operations', { kind: 'failback' }))).toMatchObject({ errors: [{ at: 'reason' }] });
    const config = value(await api.desk.settings.config('alpha'));
    if (!config) throw new Error('there is a configuration');
    const failback = { prefer: 'db2', mode: 'manual' as const, quietHours: null };
    value(await api.desk.settings.putConfig({ ...config, failback }));
    const { operation } = asPromised('startOperation', await begin('operations', body));
    expect(api.started.get(operation)).toMatchObject({ kind: 'failback' });
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toEqual({
      cluster: 'alpha',
      by: ann,
      reason: body.reason,
    });
    expect((await begin('operations', body, undefined, bob)).json).toMatchObject({ operation, replayed: true });
    expect(api.started.size).toBe(1);
  });
});

/** sync: db2 is recorded and down, so that only db3 is left, which lacks acknowledged writes. */
async function lacking(acceptLoss: 'one-person' | 'second-person'): Promise<void> {
  const nodes = value(await api.desk.settings.config('alpha'))?.nodes ?? [];
  const replication = { mode: 'sync' as const, backups: 1 };
  value(await api.desk.settings.putConfig(aConfig('alpha', { nodes, acceptLoss, consumers: [], replication })));
  await setLease(api, { synced: ['db2'] });
  const { engine } = aReport('alpha', 'db2');
  const down = { seq: 9, seen: { epoch: 7, version: 40 }, engine: { ...engine, running: false } };
  value(await api.desk.reports.put(aReport('alpha', 'db2', down)));
}
/** Nobody who is recorded is heard: db2 and db3 both lack acknowledged writes. */
async function twoLack(): Promise<void> {
  await setLease(api, { synced: ['db9'] });
  value(await api.desk.reports.put(aReport('alpha', 'db2', { seq: 10, seen: { epoch: 7, version: 40 } })));
}
const loss = { kind: 'failover', force: true, acceptLoss: true, reason: 'db2 is gone' };
const lossPlan = 'plan?kind=failover&force=true&acceptLoss=true';

describe('losing acknowledged data where one person may decide', () => {
  beforeEach(() => lacking('one-person'));

  test('is accepted of one node that is named, with a reason (T54)', async () => {
    const { reason: _, ...bare } = loss;
    expect(refusal(await begin('operations', bare))).toMatchObject({ errors: [{ at: 'to' }, { at: 'reason' }] });
    expect(refusal(await begin('operations', { ...loss, to: 'db2' })).code).toBe('NoCandidate');
    const { operation } = asPromised('startOperation', await begin('operations', { ...loss, to: 'db3' }));
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toMatchObject({ acceptLoss: true, to: 'db3', by: ann });
    expect(refusal(await begin('operations', { ...loss, to: 'db3', acceptLoss: false })).code).toBe('KeyReused');
  });

  test('is planned, and the plan applied', async () => {
    const plan = asPromised('planOperation', await get(lossPlan));
    expect(plan).toMatchObject({ candidate: 'db3', refusal: null });
    const { operation } = asPromised('startOperation', await begin('operations', { ...loss, plan: plan.id }));
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toMatchObject({ to: 'db3', plan: { id: plan.id } });
  });

  test('is planned and applied also where two nodes lack data', async () => {
    await twoLack();
    const { id, candidate, refusal: why } = asPromised('planOperation', await get(lossPlan));
    expect({ candidate, why }).toEqual({ candidate: 'db2', why: null });
    const { operation } = asPromised('startOperation', await begin('operations', { ...loss, plan: id }));
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toMatchObject({ to: 'db2', plan: { id } });
  });
});

describe('losing acknowledged data where it takes two', () => {
  beforeEach(() => lacking('second-person'));
  const ask = async (who = ann) =>
    asPromised('askApproval', await send('POST approvals', { force: true, reason: loss.reason }, { who }));
  const approve = (plan: string, who: string, key = 'key-00000001') => begin(`approvals/${plan}`, undefined, key, who);

  test('one alone starts nothing, and the plan says so', async () => {
    expect(refusal(await begin('operations', { ...loss, to: 'db3' }))).toMatchObject({
      status: 409,
      code: 'NotApproved',
    });
    expect((await get(lossPlan)).json).toMatchObject({ candidate: 'db3', refusal: { code: 'NotApproved' } });
    expect(api.started.size).toBe(0);
  });

  test('a second principal may say yes also where two nodes lack data', async () => {
    await twoLack();
    const { operation } = asPromised('approve', await approve((await ask()).plan, bob));
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toMatchObject({ approvedBy: bob, to: 'db2' });
  });

  test('a second principal starts exactly what the first has asked for, once, and again by the same key', async () => {
    const asked = await ask();
    expect(asked).toMatchObject({
      candidate: 'db3',
      by: ann,
      reason: loss.reason,
      until: expect.stringMatching(/T01:/),
    });
    expect(asPromised('listApprovals', await get('approvals')).approvals).toEqual([asked]);
    expect(refusal(await approve(asked.plan, ann))).toMatchObject({ status: 409, code: 'NotApproved' });
    expect(api.started.size).toBe(0);
    const { operation } = asPromised('approve', await approve(asked.plan, bob));
    expect(JSON.parse(api.started.get(operation)?.input ?? '')).toMatchObject({
      ...{ by: ann, approvedBy: bob, acceptLoss: true, force: true, to: 'db3', reason: loss.reason },
      plan: { id: asked.plan, epoch: 7 },
    });
    expect((await approve(asked.plan, bob)).json).toMatchObject({ operation, replayed: true });
    expect(refusal(await approve(asked.plan, bob, 'key-00000002'))).toMatchObject({
      code: 'Busy',
      instance: operation,
    });
    expect(api.started.size).toBe(1);
  });

  test('of two who approve at once one starts it and one is told', async () => {
    const { plan } = await ask();
    const eve = bob.replace('/bob', '/eve');
    const told = await oneOfTwo([approve(plan, bob), approve(plan, eve, 'key-00000002')], 202);
    expect(told).toMatchObject({ code: 'Busy', detail: expect.stringContaining('applied by somebody else') });
    expect(api.started.size).toBe(1);
  });

  test('two who have asked for the same may each approve the other’s question', async () => {
    const { plan } = await ask();
    await ask(bob);
    expect(asPromised('listApprovals', await get('approvals')).approvals).toHaveLength(1);
    asPromised('approve', await approve(plan, bob));
    expect([...api.started.values()].map(({ input = '' }) => JSON.parse(input))).toMatchObject([
      { by: ann, approvedBy: bob },
    ]);
  });

  test('a question that was asked by the command is not approved by a signed request, nor the reverse', async () => {
    const line = 'failover alpha --force --accept-loss --reason gone --json';
    const { plan } = (await api.run(line)).json();
    expect(refusal(await approve(String(plan), bob))).toMatchObject({
      code: 'NotApproved',
      next: `approve it with: mainstay approve alpha ${plan}`,
    });
    api = await createApiBench();
    await lacking('second-person');
    const asked = await ask();
    const ran = await api.run(`approve alpha ${asked.plan} --no-wait`, { user: 'bob' });
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('next: approve it by a signed request') });
    expect([api.started.size, api.operations.started]).toEqual([0, []]);
  });

  test('what the state, or the hour, has overtaken is not approved, and nobody’s question neither (T54)', async () => {
    const { plan } = await ask();
    expect(refusal(await approve('7-db3-0123456789', bob)).code).toBe('NotApproved');
    await setLease(api, { shunned: { db2: { label: 'FAILED-OVER', epoch: 7 } } });
    expect(refusal(await approve(plan, bob)).code).toBe('PlanChanged');
    await api.clock.advance(3_700_000);
    expect(refusal(await approve(plan, bob))).toMatchObject({
      detail: expect.stringContaining('more than an hour ago'),
    });
    expect((await get('approvals')).json).toEqual({ approvals: [] });
    expect(api.started.size).toBe(0);
  });
});

describe('the report', () => {
  const kind = 'recover' as const;
  const done = (name: string) =>
    api.clock.until(journalStep(api.desk, { kind, name, input: { cluster: 'alpha', by: ann } }, 'check-recover'));

  test('is of the last operation, or of the one that is named', async () => {
    expect(refusal(await get('report'))).toMatchObject({ status: 404, detail: 'alpha has had no operation yet' });
    await done('a-1');
    await done('a-2');
    expect(asPromised('getReport', await get('report'))).toMatchObject({ operation: 'a-2', entries: [{ epoch: 7 }] });
    expect(asPromised('getReport', await get('report?operation=a-1'))).toMatchObject({ operation: 'a-1', kind });
    expect(refusal(await get('report?operation=a-9'))).toMatchObject({ status: 404, code: 'NotFound' });
  });

  test('is the page of the command when Accept asks for Markdown, and nothing else', async () => {
    await done('a-1');
    const path = '/v1/clusters/alpha/report';
    const page = await api.respond(`GET ${path}`, { headers: { accept: 'text/markdown' } });
    expect(page.headers).toMatchObject({ 'content-type': 'text/markdown; charset=utf-8', vary: 'accept' });
    expect(page.body).toBe((await api.run('report alpha')).out);
    expect(refusal(await get('report', { accept: 'image/png' }))).toMatchObject({ status: 406, code: 'NotAcceptable' });
  });

  test.each([
    [undefined, 'a/json'],
    ['*/*', 'a/json'],
    ['text/*', 'text/x'],
    ['a/json;q=0.1, text/x', 'text/x'],
    ['text/x;q=0.5, */*;q=0.9', 'a/json'],
    ['text/*, text/x;q=0', null],
    ['image/png', null],
    ['text/x;q=much', null],
  ])('Accept: %s', (accept, type) => expect(acceptable(accept, ['a/json', 'text/x'])).toBe(type));
});

test('the explanation knows the fleet’s brake', async () => {
  const { brake } = api.desk;
  const now = Date.parse(api.desk.clock.wall());
  const state = {
    limits: { failovers: 2, percent: 0, windowMs: 600_000 },
    clusters: 9,
    window: { id: 'w', endsAtMs: now + 60_000, taken: 2 },
    release: null,
  };
  api = await createApiBench({ brake: { ...brake, read: async () => ok(state), placeOf: async () => ok(null) } });
  const explained = asPromised('explainCluster', await get('explanation'));
  expect(explained).toMatchObject({ safe: false, findings: [{ level: 'danger', next: 'mainstay brake status' }] });
});
