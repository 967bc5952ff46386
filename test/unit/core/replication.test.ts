// Whom a commit waits for and whom the lease names: every combination keeps recorded within waited.

import {
  decideReplication,
  type ReplicationMode,
  type ReplicationView,
  waitedAtFirst,
} from '../../../core/replication';

const view = (mode: ReplicationMode, change: Partial<ReplicationView> = {}): ReplicationView => ({
  config: { mode, backups: 1 },
  candidates: ['db2', 'db3'],
  others: ['db2', 'db3'],
  recorded: ['db2'],
  waited: ['db2'],
  complete: ['db2'],
  well: ['db2', 'db3'],
  ...change,
});

describe('whom a commit waits for', () => {
  it('changes nothing while the recorded backup keeps up', () => {
    expect(decideReplication(view('sync'))).toMatchObject({ act: 'none', rule: 'S50' });
  });

  it('T30: records a new backup only when it has all that was there when the engine began to wait for it', () => {
    const begun = view('sync', { recorded: [], waited: [], complete: [] });
    expect(decideReplication(begun)).toMatchObject({ act: 'wait', nodes: ['db2'] });
    expect(decideReplication({ ...begun, waited: ['db2'] })).toMatchObject({ act: 'none' });
    expect(decideReplication({ ...begun, waited: ['db2'], complete: ['db2'] })).toMatchObject({
      act: 'record',
      nodes: ['db2'],
    });
  });

  it('T30: sync without any backup that keeps up is recorded first, and only then does the engine stop waiting', () => {
    const alone = view('sync', { well: [] });
    expect(decideReplication(alone)).toMatchObject({ act: 'record', rule: 'S30', nodes: [] });
    expect(decideReplication({ ...alone, recorded: [], complete: [] })).toMatchObject({ act: 'wait', nodes: [] });
  });

  it('strict never waits for nobody', () => {
    const alone = view('strict', { well: [] });
    expect(decideReplication(alone)).toMatchObject({ act: 'none' });
    expect(decideReplication({ ...alone, recorded: [], waited: [], candidates: [], others: ['db2'] })).toMatchObject({
      act: 'wait',
      nodes: ['db2'],
    });
  });

  it.each(['sync', 'strict'] as const)(
    '%s replaces a late backup by one that keeps up without a moment alone',
    (mode) => {
      const late = view(mode, { well: ['db3'] });
      expect(decideReplication(late)).toMatchObject({ act: 'wait', nodes: ['db2', 'db3'] });
      const joined = { ...late, waited: ['db2', 'db3'], complete: ['db3'] };
      expect(decideReplication(joined)).toMatchObject({ act: 'record', rule: 'S10', nodes: ['db2', 'db3'] });
      expect(decideReplication({ ...joined, recorded: ['db2', 'db3'] })).toMatchObject({
        act: 'record',
        rule: 'S20',
        nodes: ['db3'],
      });
      expect(decideReplication({ ...joined, recorded: ['db3'] })).toMatchObject({ act: 'wait', nodes: ['db3'] });
    },
  );

  it('whoever has begun to join goes on', () => {
    const joining = view('sync', { recorded: [], waited: ['db3'], complete: [] });
    expect(decideReplication(joining)).toMatchObject({ act: 'none' });
  });

  it('never stops waiting for a node that the lease names, whatever else is so', () => {
    const sets = [[], ['db2'], ['db3'], ['db2', 'db3']];
    for (const mode of ['sync', 'strict'] as const)
      for (const recorded of sets)
        for (const waited of sets.filter((set) => recorded.every((node) => set.includes(node))))
          for (const well of sets)
            for (const complete of sets) {
              const act = decideReplication(view(mode, { recorded, waited, well, complete }));
              if (act.act === 'wait') expect(act.nodes).toEqual(expect.arrayContaining(recorded));
              if (act.act === 'record') expect(waited).toEqual(expect.arrayContaining(act.nodes));
              if (act.act === 'wait' && mode === 'strict') expect(act.nodes).not.toEqual([]);
            }
  });
});

describe('a new main', () => {
  it.each([
    ['async', ['db2'], []],
    ['sync', ['db2'], ['db2']],
    ['sync', [], []],
    ['strict', ['db3'], ['db3']],
    ['strict', [], ['db2']],
  ] as const)('in mode %s with %j recorded waits for %j from its first commit on', (mode, recorded, waited) => {
    expect(waitedAtFirst({ mode, backups: 1 }, recorded, ['db2', 'db3'])).toEqual(waited);
  });
});
