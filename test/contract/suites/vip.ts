// What every Vip must do, whatever stands behind it. What only one kind does is in vip-address.ts and vip-record.ts.

import type { ClusterConfig, NodeName } from '../../../core/model';
import type { Vip } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

/** Where a VIP can be: at a node, at something that is no node of the cluster, or nowhere. */
export type Whereabouts = NodeName | 'stranger' | null;

export interface VipSubject {
  vip: Vip;
  /** Of three nodes, db1 to db3; the VIP points nowhere yet. */
  config: ClusterConfig;
  /** The same with an address or a zone that does not exist. */
  wrong: ClusterConfig;
  /** Strikes the single calls under `vip`, which are `calls`. */
  script: FaultScript;
  calls: { reads: string[]; writes: string[] };
  /** What a person or another program does: changes it without asking. */
  steal(to: Whereabouts): Promise<void>;
  /** Where it really is. */
  target(): Promise<Whereabouts>;
  /** The cluster has reached this epoch: whatever has room for one beside the VIP says so. */
  reach(epoch: number): Promise<void>;
}

export type MakeVip = () => Promise<VipSubject>;

/** A subject whose VIP points to `node`, at epoch 1. */
export async function at<Subject extends VipSubject>(make: () => Promise<Subject>, node: string): Promise<Subject> {
  const subject = await make();
  value(await subject.vip.move(subject.config, null, node, 1));
  return subject;
}

/** `calls`: names of the single calls, for the titles. */
export function vipContract(name: string, calls: VipSubject['calls'], make: MakeVip): void {
  describe(`Vip: ${name}`, () => {
    it('points nowhere until it is given to a node', async () => {
      const subject = await make();
      expect(value(await subject.vip.read(subject.config))).toBeNull();
      value(await subject.vip.move(subject.config, null, 'db1', 1));
      expect(value(await subject.vip.read(subject.config))).toBe('db1');
      expect(await subject.target()).toBe('db1');
    });

    it('is withdrawn, and given to another node under the next epoch', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      await subject.reach(2);
      value(await subject.vip.move(subject.config, null, 'db2', 2));
      expect(value(await subject.vip.read(subject.config))).toBe('db2');
    });

    it('is withdrawn, and given back under the same epoch', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      value(await subject.vip.move(subject.config, null, 'db1', 1));
      expect(await subject.target()).toBe('db1');
    });

    it('T48: a step that runs twice changes nothing the second time', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      const before = subject.script.calls.length;
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      const again = subject.script.calls.slice(before).map(({ method }) => method.toLowerCase());
      expect(again.filter((method) => calls.writes.some((write) => method.startsWith(write)))).toEqual([]);
    });

    it('T48: a late old caller loses: it is told who has the VIP and takes nothing', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      value(await subject.vip.move(subject.config, 'db2', 'db3', 2));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3', expected: 'db1' } });
      expect(problem(await subject.vip.move(subject.config, null, 'db1', 2))).toMatchObject({ code: 'Refused' });
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 2))).toMatchObject({ code: 'Refused' });
      expect(await subject.target()).toBe('db3');
    });

    it('T48: a lower epoch is refused though the VIP is where its caller expects it', async () => {
      const subject = await at(make, 'db1');
      await subject.reach(7);
      value(await subject.vip.move(subject.config, 'db1', 'db2', 7));
      value(await subject.vip.move(subject.config, 'db2', 'db1', 7));
      const told = { code: 'Refused', details: { epoch: 7 } };
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db3', 6))).toMatchObject(told);
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 6))).toMatchObject(told);
      expect(await subject.target()).toBe('db1');
    });

    it('T48: a caller who is late by a hair is refused by the service itself', async () => {
      const subject = await at(make, 'db1');
      subject.script.just(calls.writes.at(-1) ?? '', () => subject.steal('db3'));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2', 1));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3' } });
      expect(await subject.target()).toBe('db3');
    });

    it('T43: a withdrawal that is late by a hair does not touch what another was given meanwhile', async () => {
      const subject = await at(make, 'db1');
      subject.script.just(calls.writes[0] ?? '', () => subject.steal('db3'));
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 1))).toMatchObject({ code: 'Refused' });
      expect(await subject.target()).toBe('db3');
    });

    it.each(calls.writes)('T3: a lost reply to %s is settled by looking', async (method) => {
      const subject = await at(make, 'db1');
      subject.script.next(method, 'timeout-after');
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      expect(await subject.target()).toBe('db2');
    });

    it.each(calls.reads)('a lost reply to %s is Unreachable, and the step can run again', async (method) => {
      const subject = await at(make, 'db1');
      subject.script.next(method, 'timeout-after');
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 2)).code).toBe('Unreachable');
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      expect(await subject.target()).toBe('db2');
    });

    it('T3: a lost reply to a withdrawal is settled by looking', async () => {
      const subject = await at(make, 'db1');
      subject.script.next(calls.writes[0] ?? '', 'timeout-after');
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      expect(await subject.target()).toBeNull();
    });

    describe.each([...calls.reads, ...calls.writes])('%s', (method) => {
      it.each(['timeout-before', 'throttle', 'server-fault'] as const)(
        'T13: meets a %s: the move is Unreachable, and the step can run again',
        async (fault) => {
          const subject = await at(make, 'db1');
          subject.script.next(method, fault);
          expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 2)).code).toBe('Unreachable');
          value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
          expect(await subject.target()).toBe('db2');
        },
      );
    });

    it('T43: withdraws it from the node that has it, and again without harm', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      expect(await subject.target()).toBeNull();
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      value(await subject.vip.withdraw(subject.config, null, 1));
      expect(value(await subject.vip.read(subject.config))).toBeNull();
    });

    it('withdraws it from nobody but the expected node', async () => {
      const subject = await at(make, 'db2');
      for (const from of ['db1', null]) {
        expect(problem(await subject.vip.withdraw(subject.config, from, 1))).toMatchObject({
          code: 'Refused',
          details: { holder: 'db2' },
        });
      }
      expect(await subject.target()).toBe('db2');
    });

    it('a foreign target is Refused with what is there, and left alone', async () => {
      const subject = await at(make, 'db1');
      await subject.steal('stranger');
      const told = { code: 'Refused', details: { holder: null } };
      expect(problem(await subject.vip.read(subject.config))).toMatchObject(told);
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 1))).toMatchObject(told);
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 1))).toMatchObject(told);
      expect(await subject.target()).toBe('stranger');
    });

    it('what does not exist is Broken, with what to correct', async () => {
      const { vip, wrong } = await make();
      const broken = problem(await vip.read(wrong));
      expect(broken).toMatchObject({ code: 'Broken', next: expect.stringContaining('correct vip.') });
      expect(problem(await vip.move(wrong, null, 'db1', 1)).code).toBe('Broken');
    });

    it('a node that the cluster does not have is Broken', async () => {
      const { vip, config } = await make();
      expect(problem(await vip.move(config, null, 'db9', 1)).code).toBe('Broken');
    });

    it('T66: many are read together, and one that is wrong does not blind the others', async () => {
      const subject = await at(make, 'db2');
      const wrong = { ...subject.wrong, name: 'wrong' };
      const answers = await subject.vip.readMany([subject.config, wrong]);
      expect(value(answers.get(subject.config.name) ?? { ok: false, error: 'no answer' })).toBe('db2');
      expect(problem(answers.get('wrong') ?? { ok: true, value: null }).code).toBe('Broken');
    });
  });
}
