// `--watch`: the same again until Ctrl-C, in lines, in JSON lines, and in place on a terminal.

import { aConfig, value } from '../../support/samples';
import { type Bench, createBench, healthy, setLease, unanswered } from './support';

/** Ctrl-C after so many looks. */
const after = (looks: number, before: (look: number) => void = () => undefined) => {
  let seen = 0;
  return {
    interrupted: () => {
      if (seen < looks) before(seen);
      seen += 1;
      return seen > looks;
    },
  };
};

test.each(['ls', 'status alpha'])('%s --watch shows what has changed since, and ends with 0', async (line) => {
  const bench = await healthy(createBench());
  const change = after(2, (look) => {
    if (look === 1) void setLease(bench, { epoch: 8 });
  });
  const before = bench.clock.nowMs();
  const { code, out, err } = await bench.run(`${line} --watch 7`, change);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out.match(/epoch \d/g)).toEqual(['epoch 7', 'epoch 8']);
  expect(out).not.toContain('\u001b');
  expect(bench.clock.nowMs() - before).toBeGreaterThanOrEqual(14_000);
});

test('with --json each look is a line of its own, one that failed too', async () => {
  const bench = await healthy(createBench());
  let away = false;
  const settings = {
    ...bench.desk.settings,
    config: (name: string) => (away ? unanswered('TimeoutError').config() : bench.desk.settings.config(name)),
  };
  const change = after(3, (look) => {
    away = look === 1;
  });
  const { code, out } = await bench.run('status alpha --watch --json', {
    ...change,
    openDesk: () => ({ ...bench.desk, settings }) as never,
  });
  const lines = out
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  expect(code).toBe(0);
  expect(lines).toMatchObject([{ cluster: 'alpha' }, { error: { code: 'Unreachable' } }, { cluster: 'alpha' }]);
});

/** Answers to the first looks, and then with this problem. */
const failingAfter = (bench: Bench, looks: number, error: string) => {
  let seen = 0;
  const config = (name: string) => {
    seen += 1;
    return seen > looks ? unanswered(error).config() : bench.desk.settings.config(name);
  };
  return { openDesk: () => ({ ...bench.desk, settings: { ...bench.desk.settings, config } }) as never };
};

test.each<[string, string, number, number, RegExp]>([
  ['a first look that is not answered', 'TimeoutError', 0, 5, /does not answer: /],
  ['a first look without credentials', 'CredentialsProviderError', 0, 4, /no AWS credentials were found/],
  ['credentials that run out', 'ExpiredTokenException', 1, 4, /ExpiredTokenException.*next: use credentials/],
])('%s ends it', async (_, error, looks, expected, why) => {
  const bench = await healthy(createBench());
  const { code, out, err } = await bench.run('status alpha --watch', {
    ...after(5),
    ...failingAfter(bench, looks, error),
  });
  expect({ code, err }).toEqual({ code: expected, err: expect.stringMatching(why) });
  expect(out.match(/alpha\[/g) ?? []).toHaveLength(looks);
});

test('a cluster that there is not ends it, also with --json', async () => {
  const bench = await healthy(createBench());
  const { code, err } = await bench.run('status alhpa --watch', after(5));
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("there is no cluster 'alhpa'") });
  const ran = await bench.run('status alhpa --watch --json', after(5));
  expect(ran.code).toBe(2);
  expect(ran.out.trim().split('\n')).toHaveLength(1);
  expect(ran.json()).toMatchObject({ error: { code: 'UnknownCluster' } });
});

test('ls goes on though one cluster among others cannot be read, from the first look on', async () => {
  const bench = await healthy(createBench());
  value(await bench.desk.settings.putConfig(aConfig('beta')));
  const { leases } = bench.desk;
  const read = (name: string) => (name === 'beta' ? unanswered('Error', 'Broken').config() : leases.read(name));
  const { code, out } = await bench.run('ls --watch', {
    ...after(3),
    openDesk: () => ({ ...bench.desk, leases: { ...leases, read } }) as never,
  });
  expect(out.match(/beta\[UNREADABLE\]/g)).toHaveLength(3);
  expect(out.match(/epoch 7/g)).toHaveLength(3);
  expect(code).toBe(0);
});

test('on a terminal it is shown in place', async () => {
  const bench = await healthy(createBench());
  const { out } = await bench.run('status alpha --watch', { ...after(2), colour: true });
  expect(out.split('\u001b[H\u001b[2J')).toHaveLength(3);
  expect((await bench.run('status alpha', { colour: true })).out).not.toContain('\u001b[2J');
});

test.each(['0', 'soon'])('--watch %s is a usage error', async (often) => {
  const { code, err } = await (await healthy(createBench())).run(`ls --watch ${often}`);
  expect(code).toBe(2);
  expect(err).toMatch(/whole number above 0/);
});
