// `--watch`: the same again until Ctrl-C, in lines, in JSON lines, and in place on a terminal.

import { createBench, healthy, setLease, unanswered } from './support';

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
