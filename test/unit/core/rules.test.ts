// Every rule, and every small view of the world: what a node may never decide.

import { actionFor } from '../../../agent/edges';
import { type Lease, type NodeState, nodeStates, phases, unknownEngine } from '../../../core/model';
import { decide, rules, type View } from '../../../core/rules';
import { aLease } from '../../support/samples';

const engine = (running: boolean, writable: boolean): View['engine'] => ({ ...unknownEngine, running, writable });

function* leases(): Generator<Lease | null> {
  yield null;
  const recover = { id: 'op', kind: 'recover' as const, by: 'ann', since: '', node: 'db1' };
  for (const phase of phases)
    for (const holder of ['db1', 'db2', null])
      for (const drain of [null, 'transfer', 'pause'] as const)
        for (const pausedBy of [null, 'stop', 'operator'] as const)
          for (const shunned of [{}, { db1: { label: 'FAILED-OVER', epoch: 1 } }] as Lease['shunned'][])
            for (const operation of [null, recover])
              yield aLease('alpha', { phase, holder, drain, pausedBy, shunned, operation });
}

function* views(): Generator<View> {
  const states = Object.keys(nodeStates) as NodeState[];
  for (const lease of leases())
    for (const promiseLeftMs of [null, 0, 1000])
      for (const [running, writable] of [
        [false, false],
        [true, false],
        [true, true],
      ] as const)
        for (const restarts of [0, 1, 2])
          for (const leaving of [false, true])
            yield {
              me: 'db1',
              lease,
              promiseLeftMs,
              engine: engine(running, writable),
              state: states[0] as NodeState,
              restarts,
              leaving,
            };
}

const all = [...views()].map((view) => ({ view, decision: decide(view) }));

test('every rule is the first match of some view', () => {
  const hit = new Set(all.map(({ decision }) => decision.rule));
  expect(rules.map(({ id }) => id).filter((id) => !hit.has(id))).toEqual([]);
});

test('ids are spaced by ten, unique, and in order', () => {
  const ids = rules.map(({ id }) => Number(id.slice(1)));
  expect(ids).toEqual(ids.map((_, index) => (index + 1) * 10));
});

test('I1: nobody but the holder of a granted, held or cleanly paused lease ever becomes or stays main', () => {
  for (const { view, decision } of all) {
    if (decision.goal !== 'main' && decision.goal !== 'promoting') continue;
    expect(view.lease?.holder).toBe('db1');
    expect(['granted', 'held', 'paused']).toContain(view.lease?.phase);
    expect(view.lease?.shunned.db1).toBeUndefined();
  }
});

test('L2: a writable engine whose promise is over is always stopped', () => {
  const over = all.filter(({ view }) => view.engine.writable && view.promiseLeftMs === 0 && view.lease !== null);
  const serving = over.filter(
    ({ view }) => view.lease?.holder === 'db1' && view.lease.phase === 'held' && !view.lease.shunned.db1,
  );
  expect(serving.length).toBeGreaterThan(0);
  for (const { decision } of serving) expect(decision).toMatchObject({ rule: 'R50', goal: 'fenced' });
});

test('T15: a writable engine of a node that does not hold the lease is always taken out of service', () => {
  for (const { view, decision } of all) {
    if (!view.engine.writable || view.lease === null || view.lease.holder === 'db1') continue;
    expect(['fenced', 'shunned']).toContain(decision.goal);
  }
});

test('a shunned node never serves, whatever else is true', () => {
  const kept = all.filter(({ view }) => view.lease?.shunned.db1);
  for (const { decision } of kept) expect(['shunned', 'rejoining']).toContain(decision.goal);
});

test('T60: on a clean stop the lease is paused, and only a node that is not leaving resumes it', () => {
  for (const { view, decision } of all) {
    if (decision.act === 'pause') expect(view.leaving || view.lease?.drain === 'pause').toBe(true);
    if (decision.act === 'resume')
      expect(view).toMatchObject({ leaving: false, lease: { phase: 'paused', pausedBy: 'stop', holder: 'db1' } });
  }
});

test('every goal that a rule can assign has an edge from every state it can be assigned in', () => {
  const missing = new Set<string>();
  for (const state of Object.keys(nodeStates) as NodeState[])
    for (const { view, decision } of all) {
      if (actionFor(state, decision.goal) === null) missing.add(`${state}->${decision.goal} (${view.lease?.phase})`);
    }
  expect([...missing]).toEqual([]);
});
