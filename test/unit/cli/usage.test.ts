// What the parser refuses and how: always exit code 2, one sentence, and what to do next.

import { documents } from '../../../cli/documents';
import { createBench, healthy, unanswered } from './support';

/** A command line for every command that asks the control plane. */
const asking: Record<string, string> = {
  ...Object.fromEntries(
    ['status', 'explain', 'switch', 'failover', 'failback', 'policy', 'drill', 'history', 'report', 'watch'].map(
      (verb) => [verb, 'alpha'],
    ),
  ),
  ...{ ls: '', doctor: '', brake: '', start: 'alpha', pause: 'alpha', resume: 'alpha', hold: 'ls' },
  ...{ recover: 'alpha db1', fail: 'alpha db1 --reason drill --yes', approve: 'alpha 7-db2-0123456789' },
  'confirm-fenced': 'alpha --node db1 --reason "it is scrapped" --yes',
};

describe('a wrong command line', () => {
  it.each([
    ['swich alpha', /unknown command 'swich'; next: did you mean switch\? see: mainstay --help/],
    ['switch', /missing required argument 'cluster'; next: see: mainstay switch --help/],
    ['switch alpha --tto db2', /unknown option '--tto'; next: did you mean --to\? see: mainstay switch --help/],
    ['switch alpha beta', /too many arguments/],
    ['switch alpha --timeout soon', /It must be a whole number above 0/],
    ['failover', /missing required argument 'cluster'/],
    ['failover alpha --forced', /unknown option '--forced'.*did you mean --force/],
    ['fail alpha', /missing required argument 'node'/],
    ['recover alpha', /missing required argument 'node'/],
    ['ls alpha', /too many arguments/],
    ['status', /missing required argument 'cluster'/],
    ['policy', /missing required argument 'cluster'/],
    ['policy alpha lazy --reason x', /'lazy' is no policy; next: choose one of: automatic, manual, maintenance/],
    ['policy alpha manual', /a policy is set with a reason; next: add --reason/],
    ['policy alpha maintenance --reason x', /a maintenance must end; next: add for example --for 2h/],
    ['policy alpha maintenance --reason x --for soon', /'soon' is not a duration; next: write for example 30m/],
    ['policy alpha manual --reason x --for 2h', /--for belongs to maintenance/],
    ['policy alpha --for 2h', /--for belongs to a policy, and none is named; next: mainstay policy alpha maintenance/],
    ['history', /missing required argument 'cluster'/],
    ['history alpha --limit 0', /It must be a whole number above 0/],
    ['start', /missing required argument 'cluster'/],
    ['report', /missing required argument 'cluster'/],
    ['explain', /missing required argument 'cluster'/],
    ['watch', /missing required argument 'cluster'/],
    ['switch alpha --apply soon', /'soon' is no plan id; next: make a plan first: mainstay switch alpha --dry-run/],
    ['switch alpha --to db3 --apply 7-db2-0123456789', /plan 7-db2-0123456789 is for db2, and --to says db3/],
    ['pause', /missing required argument 'cluster'/],
    ['resume alpha --fast', /unknown option '--fast'/],
    ['completion fish', /there is no completion for 'fish'; next: choose one of: bash, zsh/],
    ['switch alpha --by automatic', /--by must name a person/],
  ])('mainstay %s ends with 2 and says why', async (line, sentence) => {
    const bench = await healthy(createBench());
    const { code, out, err } = await bench.run(line);
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^mainstay: .*; next: .*\n$/);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(bench.operations.started).toEqual([]);
  });

  it('is told as JSON on stdout when --json was asked for, wherever it stands', async () => {
    for (const line of ['--json swich', 'swich --json']) {
      const { code, err, json } = await createBench().run(line);
      expect({ code, err }).toEqual({ code: 2, err: '' });
      expect(json()).toEqual({
        error: { code: 'Usage', message: "unknown command 'swich'", next: expect.any(String) },
      });
    }
  });
});

describe('help', () => {
  it.each([
    'ls',
    'status',
    'switch',
    'failover',
    'fail',
    'recover',
    'policy',
    'history',
    'report',
    'explain',
    'watch',
    'start',
    'pause',
    'resume',
    'completion',
  ])('of %s has examples, the global options, and ends with 0', async (verb) => {
    const { code, out } = await createBench().run(`${verb} --help`);
    expect(code).toBe(0);
    expect(out).toContain(`$ mainstay ${verb}`);
    expect(out).toContain('--json');
    expect(out).toContain('--stack');
  });

  it('of the program lists exit codes; without a command it ends with 2', async () => {
    const asked = await createBench().run('--help');
    expect(asked).toMatchObject({ code: 0, out: expect.stringContaining('3 refused (nothing was changed)') });
    expect(await createBench().run('')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('Usage: mainstay'),
    });
  });

  it('tells its version', async () => {
    expect(await createBench().run('--version')).toMatchObject({ code: 0, out: '0.1.0\n' });
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh'])('for %s knows every command and its options', async (shell) => {
    const { code, out } = await createBench().run(`completion ${shell}`);
    expect(code).toBe(0);
    expect(out).toContain(
      'ls status explain doctor switch failover failback confirm-fenced approve recover hold policy brake drill fail history report watch start pause resume completion',
    );
    expect(out).toMatch(/switch\) words\w*="--to --reason --dry-run/);
  });
});

describe('a control plane that does not answer', () => {
  it.each([
    ['CredentialsProviderError', 'Unreachable', 4, /no AWS credentials were found for stack 'mainstay'/],
    ['AccessDeniedException', 'Broken', 4, /AccessDeniedException.*use credentials that may do this/],
    ['ResourceNotFoundException', 'Broken', 5, /stack 'mainstay' at http:\/\/127.0.0.1:4566 does not exist/],
    ['TimeoutError', 'Unreachable', 5, /does not answer: .*TimeoutError/],
  ] as const)('with %s is explained in one sentence', async (error, kind, expected, sentence) => {
    const bench = createBench();
    const settings = unanswered(error, kind);
    const brake = { ...bench.desk.brake, read: settings.config };
    expect(Object.keys({ ...asking, completion: '' }).sort()).toEqual(Object.keys(documents).sort());
    for (const [verb, rest] of Object.entries(asking)) {
      const { code, err } = await bench.run(`${verb} ${rest}`, {
        openDesk: () => ({ ...bench.desk, settings, brake }),
      });
      expect([verb, err]).toEqual([verb, expect.stringMatching(sentence)]);
      expect({ verb, code }).toEqual({ verb, code: expected });
    }
  });

  it('without a region says which variable to set', async () => {
    const bench = createBench();
    const settings = unanswered('Error', 'Broken', 'Region is missing');
    const { code, err } = await bench.run('ls', { openDesk: () => ({ ...bench.desk, settings }) });
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining('set AWS_REGION') });
  });

  it('that throws is a fault of ours: 1, and asks for a report', async () => {
    const { code, err } = await createBench().run('ls', {
      openDesk: () => {
        throw new Error('wires crossed');
      },
    });
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/a fault of mainstay: wires crossed; next: report it/),
    });
  });
});
