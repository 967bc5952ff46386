// What every Reports, Settings, Journal and Waits must do, whatever stands behind them.

import type { Waiting } from '../../../core/model';
import type { Journal, Reports, Settings, Waits } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { aConfig, aNode, anEntry, aPolicy, aReport, problem, value } from '../../support/samples';

interface Subject<Port> {
  port: Port;
  /** Another process's way to the same data. */
  other: Port;
  /** Strikes `port` only. */
  script: FaultScript;
  /** Lays an item under this key, whatever it says. */
  plant(pk: string, sk: string, item: Record<string, unknown>): Promise<void>;
  /** Method of a write and of a read, as the fault script sees them. */
  write: string;
  read: string;
}

function clusterNames(name: string): () => string {
  let clusters = 0;
  return () => {
    clusters += 1;
    return `${name.replace(/\W/g, '-')}-${clusters}`;
  };
}

export function reportsContract(name: string, make: () => Promise<Subject<Reports>>): void {
  const aCluster = clusterNames(`reports-${name}`);

  describe(`Reports: ${name}`, () => {
    it('T4: a report that was put is seen at once, by everybody, whole', async () => {
      const { port, other } = await make();
      const report = aReport(aCluster(), 'db1', { final: { timeline: 2, bytes: 2 ** 45 } });
      value(await port.put(report));
      expect(value(await other.list(report.cluster))).toEqual([report]);
    });

    it('keeps one report per node, the last one', async () => {
      const { port } = await make();
      const cluster = aCluster();
      for (const seq of [1, 2, 3])
        for (const node of ['db1', 'db2']) value(await port.put(aReport(cluster, node, { seq })));
      expect(value(await port.list(cluster)).map(({ node, seq }) => `${node} ${seq}`)).toEqual(['db1 3', 'db2 3']);
    });

    it('T55: a report that was given up and arrives late does not replace a later one of the same life, but a new life’s does', async () => {
      const { port } = await make();
      const cluster = aCluster();
      const put = async (boot: string, seq: number) => value(await port.put(aReport(cluster, 'db1', { boot, seq })));
      const seen = async () => value(await port.list(cluster)).map(({ boot, seq }) => `${boot} ${seq}`);
      await put('first', 7);
      await put('first', 6);
      expect(await seen()).toEqual(['first 7']);
      await put('first', 7);
      await put('second', 1);
      expect(await seen()).toEqual(['second 1']);
    });

    it('an unknown cluster has no reports', async () => {
      const { port } = await make();
      expect(value(await port.list(aCluster()))).toEqual([]);
    });

    it('a report that does not parse is Broken and named, not left out', async () => {
      const { port, plant } = await make();
      const cluster = aCluster();
      value(await port.put(aReport(cluster, 'db1')));
      await plant(`CLUSTER#${cluster}`, 'NODE#db2', { ...aReport(cluster, 'db2'), engine: 'fine' });
      const seen = problem(await port.list(cluster));
      expect(seen).toMatchObject({ code: 'Broken' });
      expect(seen.message).toContain('db2');
    });

    it('no answer is Unreachable, never "no reports"', async () => {
      const { port, script, write, read } = await make();
      script.next(write, 'timeout-before');
      expect(problem(await port.put(aReport(aCluster(), 'db1'))).code).toBe('Unreachable');
      script.next(read, 'timeout-after');
      expect(problem(await port.list(aCluster())).code).toBe('Unreachable');
    });
  });
}

export function settingsContract(name: string, make: () => Promise<Subject<Settings>>): void {
  const aCluster = clusterNames(`settings-${name}`);

  describe(`Settings: ${name}`, () => {
    it('gives back the configuration and the policy as they were put', async () => {
      const { port, other } = await make();
      const config = aConfig(aCluster());
      const policy = aPolicy({ mode: 'maintenance', until: '2026-01-02T00:00:00.000Z' });
      value(await port.putConfig(config));
      value(await port.putPolicy(config.name, policy));
      expect(value(await other.config(config.name))).toEqual(config);
      expect(value(await other.policy(config.name))).toEqual(policy);
    });

    it('an unknown cluster has neither', async () => {
      const { port } = await make();
      const cluster = aCluster();
      expect(value(await port.config(cluster))).toBeNull();
      expect(value(await port.policy(cluster))).toBeNull();
    });

    it('lists every configured cluster once', async () => {
      const { port } = await make();
      const names = [aCluster(), aCluster(), aCluster()];
      for (const cluster of [...names, ...names]) value(await port.putConfig(aConfig(cluster)));
      const listed = value(await port.clusters());
      expect(listed.filter((cluster) => names.includes(cluster))).toEqual([...names].sort());
    });

    it('never lists a cluster whose configuration was not written', async () => {
      const { port, script, write } = await make();
      const cluster = aCluster();
      script.next(write, 'timeout-before');
      expect(problem(await port.putConfig(aConfig(cluster))).code).toBe('Unreachable');
      expect(value(await port.clusters())).not.toContain(cluster);
    });

    it('finds the cluster of an instance with one read, and an instance that is nobody’s has none', async () => {
      const { port, other } = await make();
      const config = aConfig(aCluster());
      const mine = `i-of-${config.name}`;
      value(await port.putConfig({ ...config, nodes: [aNode('db1', { instanceId: mine })] }));
      expect(value(await other.clusterOf(mine))).toBe(config.name);
      expect(value(await other.clusterOf(`${mine}-other`))).toBeNull();
    });

    it('an instance that has moved to another cluster is found there', async () => {
      const { port } = await make();
      const [from, to] = [aCluster(), aCluster()];
      const nodes = [aNode('db1', { instanceId: `i-of-${from}` })];
      for (const name of [from, to]) value(await port.putConfig(aConfig(name, { nodes })));
      expect(value(await port.clusterOf(`i-of-${from}`))).toBe(to);
    });

    it('of two who change the policy that both have read one is refused, and nothing of his is there', async () => {
      const { port, other } = await make();
      const cluster = aCluster();
      const [first, ann, bob] = ['first', 'ann', 'bob'].map((by) => aPolicy({ by }));
      if (!first || !ann || !bob) throw new Error('three policies');
      value(await port.swapPolicy(cluster, null, first));
      expect(problem(await other.swapPolicy(cluster, null, bob)).code).toBe('Refused');
      const both = await Promise.all([port.swapPolicy(cluster, first, ann), other.swapPolicy(cluster, first, bob)]);
      expect(both.filter(({ ok: won }) => won)).toHaveLength(1);
      expect(value(await port.policy(cluster))).toEqual(both[0]?.ok ? ann : bob);
    });

    it('what does not parse is Broken', async () => {
      const { port, plant } = await make();
      const cluster = aCluster();
      await plant(`CONFIG#${cluster}`, 'CONFIG', { ...aConfig(cluster), nodes: 'three' });
      await plant(`CONFIG#${cluster}`, 'POLICY', { mode: 'sometimes' });
      expect(problem(await port.config(cluster)).code).toBe('Broken');
      expect(problem(await port.policy(cluster)).code).toBe('Broken');
    });

    it('nothing that lies where nodes may write is taken for a configuration or a policy', async () => {
      const { port, plant } = await make();
      const cluster = aCluster();
      await plant(`CLUSTER#${cluster}`, 'CONFIG', { ...aConfig(cluster) });
      await plant(`CLUSTER#${cluster}`, 'POLICY', { ...aPolicy() });
      expect(value(await port.config(cluster))).toBeNull();
      expect(value(await port.policy(cluster))).toBeNull();
    });

    it('a configuration that names another cluster is Broken, whoever put it there', async () => {
      const { port, plant } = await make();
      const [mine, another] = [aCluster(), aCluster()];
      await plant(`CONFIG#${mine}`, 'CONFIG', { ...aConfig(another) });
      const seen = problem(await port.config(mine));
      expect(seen.code).toBe('Broken');
      expect(seen.message).toContain(another);
    });
  });
}

export function journalContract(name: string, make: () => Promise<Subject<Journal>>): void {
  const aCluster = clusterNames(`journal-${name}`);
  const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;

  describe(`Journal: ${name}`, () => {
    it('never overwrites: equal entries of two writers at the same instant all stay', async () => {
      const { port, other } = await make();
      const cluster = aCluster();
      const appended = Array.from({ length: 10 }, (_, index) => (index % 2 ? port : other).append(anEntry(cluster)));
      for (const outcome of await Promise.all(appended)) value(outcome);
      expect(value(await port.list(cluster))).toEqual(Array(10).fill(anEntry(cluster)));
    });

    it('lists the oldest first, whatever the order of writing', async () => {
      const { port } = await make();
      const cluster = aCluster();
      for (const second of [3, 1, 2]) value(await port.append(anEntry(cluster, { at: at(second) })));
      expect(value(await port.list(cluster)).map((entry) => entry.at)).toEqual([1, 2, 3].map(at));
    });

    it('keeps the order of one writer within one millisecond', async () => {
      const { port } = await make();
      const cluster = aCluster();
      const rules = Array.from({ length: 12 }, (_, index) => `R${index}`);
      for (const rule of rules) value(await port.append(anEntry(cluster, { rule })));
      expect(value(await port.list(cluster)).map(({ rule }) => rule)).toEqual(rules);
    });

    it('narrows to one operation, and a limit keeps its newest', async () => {
      const { port } = await make();
      const cluster = aCluster();
      for (let second = 0; second < 8; second += 1)
        value(await port.append(anEntry(cluster, { at: at(second), operation: second % 2 ? 'odd' : 'even' })));
      value(await port.append(anEntry(cluster, { at: at(9), operation: null })));
      const odd = value(await port.list(cluster, { operation: 'odd' }));
      expect(odd.map((entry) => entry.at)).toEqual([1, 3, 5, 7].map(at));
      const newest = value(await port.list(cluster, { operation: 'odd', limit: 2 }));
      expect(newest.map((entry) => entry.at)).toEqual([5, 7].map(at));
      expect(value(await port.list(cluster, { limit: 3 })).map((entry) => entry.at)).toEqual([6, 7, 9].map(at));
    });

    it('narrows to what is older than a time, so that a history is read page by page', async () => {
      const { port } = await make();
      const cluster = aCluster();
      for (const second of [1, 2, 2, 3, 4])
        value(await port.append(anEntry(cluster, { at: at(second), operation: second === 3 ? 'x' : 'y' })));
      const times = async (filter: NonNullable<Parameters<Journal['list']>[1]>) =>
        value(await port.list(cluster, filter)).map((entry) => entry.at);
      expect(await times({ before: at(3) })).toEqual([1, 2, 2].map(at));
      expect(await times({ before: at(4), limit: 2 })).toEqual([2, 3].map(at));
      expect(await times({ before: at(4), operation: 'y', limit: 9 })).toEqual([1, 2, 2].map(at));
      expect(await times({ before: at(1) })).toEqual([]);
      expect(await times({ since: at(3) })).toEqual([3, 4].map(at));
      expect(await times({ since: at(2), before: at(3), operation: 'y' })).toEqual([2, 2].map(at));
      expect(await times({ since: at(9) })).toEqual([]);
    });

    it('T3: an entry whose reply was lost stands there once it is read', async () => {
      const { port, script, write } = await make();
      const cluster = aCluster();
      script.next(write, 'timeout-after');
      expect(problem(await port.append(anEntry(cluster))).code).toBe('Unreachable');
      expect(value(await port.list(cluster))).toHaveLength(1);
    });

    it('keeps details that JSON can say and drops what it cannot, without losing the entry', async () => {
      const { port } = await make();
      const cluster = aCluster();
      const details = {
        lagBytes: 12,
        nodes: ['db1', { name: 'db2' }],
        empty: '',
        missing: undefined,
        ratio: Number.NaN,
      };
      value(await port.append(anEntry(cluster, { ms: 12.5, details })));
      const [entry] = value(await port.list(cluster));
      expect(entry).toMatchObject({
        ms: 12.5,
        details: { lagBytes: 12, nodes: ['db1', { name: 'db2' }], empty: '', ratio: null },
      });
    });

    it('T65: an entry of another version is shown as such and hides nothing', async () => {
      const { port, plant } = await make();
      const cluster = aCluster();
      value(await port.append(anEntry(cluster)));
      await plant(`CLUSTER#${cluster}`, `JOURNAL#${at(5)}#x`, {
        cluster,
        at: at(5),
        kind: 'omen',
        because: 'the ravens left',
      });
      const entries = value(await port.list(cluster));
      expect(entries).toHaveLength(2);
      expect(entries[1]).toMatchObject({
        at: at(5),
        because: 'the ravens left',
        rule: 'unreadable',
        details: { item: { kind: 'omen' } },
      });
    });
  });
}

export function waitsContract(name: string, make: () => Promise<Subject<Waits>>): void {
  const waiting = (cluster: string, change: Partial<Waiting> = {}): Waiting => ({
    ...{ cluster, operation: 'failover-1', epoch: 8, node: 'db1', tokens: ['one'], since: '2026-01-01T00:00:00.000Z' },
    ...change,
  });

  describe(`Waits: ${name}`, () => {
    it('nobody has slept in a cluster where nobody has', async () => {
      const { port } = await make();
      expect(value(await port.read('never'))).toBeNull();
    });

    it('T48: every token of an operation is kept, the newest last, whoever writes them and at whatever moment', async () => {
      const { port, other } = await make();
      value(await port.add(waiting('tokens')));
      await Promise.all([
        port.add(waiting('tokens', { tokens: ['two'] })),
        other.add(waiting('tokens', { tokens: ['three'] })),
      ]);
      value(await other.add(waiting('tokens', { tokens: ['four'] })));
      const { tokens = [] } = value(await port.read('tokens')) ?? {};
      expect([tokens[0], tokens.at(-1), [...tokens].sort()]).toEqual(['one', 'four', ['four', 'one', 'three', 'two']]);
    });

    it('T48: a late word of an older epoch does not hide a newer one, and a newer one replaces it', async () => {
      const { port } = await make();
      value(await port.add(waiting('late', { epoch: 9, operation: 'failover-2', tokens: ['new'] })));
      value(await port.add(waiting('late')));
      expect(value(await port.read('late'))).toEqual(
        waiting('late', { epoch: 9, operation: 'failover-2', tokens: ['new'] }),
      );
      value(await port.add(waiting('late', { epoch: 10, operation: 'failover-3' })));
      expect(value(await port.read('late'))).toMatchObject({ epoch: 10, tokens: ['one'] });
    });

    it('T3: a write without an answer is Unreachable, and done again it adds nothing twice', async () => {
      const { port, script, write } = await make();
      script.next(write, 'timeout-after');
      expect(problem(await port.add(waiting('lost'))).code).toBe('Unreachable');
      value(await port.add(waiting('lost')));
      expect(value(await port.read('lost'))?.tokens).toEqual(['one']);
    });
  });
}
