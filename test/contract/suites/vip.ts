// What every Vip must do, whatever stands behind it.

import type { ClusterConfig } from '../../../core/model';
import type { Vip } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { problem, value } from '../../support/samples';

export interface VipSubject {
  vip: Vip;
  /** Of three nodes, db1 to db3; the VIP points nowhere yet. */
  config: ClusterConfig;
  /** Strikes the single calls under `vip`: describe…, associate…, disassociate…. */
  script: FaultScript;
  /** What a person or another program does: re-associates without asking. */
  steal(instanceId: string | null): Promise<void>;
  /** Instance that the VIP really points to. */
  target(): Promise<string | null>;
  /** An instance that is no node of the cluster. */
  stranger: string;
}

const instanceOf = ({ config }: VipSubject, node: string): string =>
  config.nodes.find(({ name }) => name === node)?.instanceId ?? 'no such node';

/** A subject whose VIP points to `node`. */
async function at(make: () => Promise<VipSubject>, node: string): Promise<VipSubject> {
  const subject = await make();
  value(await subject.vip.move(subject.config, null, node));
  return subject;
}

export function vipContract(name: string, make: () => Promise<VipSubject>): void {
  describe(`Vip: ${name}`, () => {
    it('points nowhere until it is given to a node', async () => {
      const subject = await make();
      expect(value(await subject.vip.read(subject.config))).toBeNull();
      value(await subject.vip.move(subject.config, null, 'db1'));
      expect(value(await subject.vip.read(subject.config))).toBe('db1');
      expect(await subject.target()).toBe(instanceOf(subject, 'db1'));
    });

    it('T43: a move withdraws it from the old node before it gives it to the new one', async () => {
      const subject = await at(make, 'db1');
      const seen: (string | null)[] = [];
      subject.script.just('associate', async () => seen.push(await subject.target()));
      value(await subject.vip.move(subject.config, 'db1', 'db2'));
      expect(seen).toEqual([null]);
      expect(await subject.target()).toBe(instanceOf(subject, 'db2'));
    });

    it('T48: a step that runs twice changes nothing the second time', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db2'));
      const before = subject.script.calls.length;
      value(await subject.vip.move(subject.config, 'db1', 'db2'));
      const again = subject.script.calls.slice(before).map(({ method }) => method.toLowerCase());
      expect(again.filter((method) => !method.startsWith('describe'))).toEqual([]);
    });

    it('T48: a late old caller loses: it is told who has the VIP and takes nothing', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db2'));
      value(await subject.vip.move(subject.config, 'db2', 'db3'));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2'));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3', expected: 'db1' } });
      expect(problem(await subject.vip.move(subject.config, null, 'db1'))).toMatchObject({ code: 'Refused' });
      expect(problem(await subject.vip.withdraw(subject.config, 'db1'))).toMatchObject({ code: 'Refused' });
      expect(await subject.target()).toBe(instanceOf(subject, 'db3'));
    });

    it('T48: a caller who is late by a hair is refused by EC2 itself (AllowReassociation=false)', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('associate', () => subject.steal(instanceOf(subject, 'db3')));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2'));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3' } });
      expect(await subject.target()).toBe(instanceOf(subject, 'db3'));
    });

    it('T48: between look and withdrawal it moved on: the newer association is not touched', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('disassociate', () => subject.steal(instanceOf(subject, 'db3')));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2'));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3' } });
      expect(await subject.target()).toBe(instanceOf(subject, 'db3'));
    });

    it('T47: a move that somebody undid before it was read back is no success', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('associate', () => subject.script.just('describe', () => subject.steal(subject.stranger)));
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2'))).toMatchObject({ code: 'Refused' });
    });

    it('T47: a move that cannot be read back is Unreachable, never a success', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('associate', () => {
        for (let call = 0; call < 200; call += 1) subject.script.next('describe', 'timeout-before');
      });
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2'))).toMatchObject({ code: 'Unreachable' });
    });

    it('T47: a move that never shows is Unreachable, with where the VIP is seen', async () => {
      const subject = await make();
      subject.script.just('associate', () => {
        for (let call = 0; call < 200; call += 1) subject.script.just('describe', () => subject.steal(null));
      });
      const unseen = problem(await subject.vip.move(subject.config, null, 'db2'));
      expect(unseen).toMatchObject({ code: 'Unreachable', details: { holder: null, wanted: 'db2' } });
    });

    it.each(['associate', 'disassociate'])('T3: a lost reply to %s is settled by looking', async (method) => {
      const subject = await at(make, 'db1');
      subject.script.next(method, 'timeout-after');
      value(await subject.vip.move(subject.config, 'db1', 'db2'));
      expect(await subject.target()).toBe(instanceOf(subject, 'db2'));
    });

    it.each(['describe', 'associate', 'disassociate'])(
      'a lost request to %s is Unreachable, and the step can run again',
      async (method) => {
        const subject = await at(make, 'db1');
        subject.script.next(method, 'timeout-before');
        expect(problem(await subject.vip.move(subject.config, 'db1', 'db2')).code).toBe('Unreachable');
        value(await subject.vip.move(subject.config, 'db1', 'db2'));
        expect(await subject.target()).toBe(instanceOf(subject, 'db2'));
      },
    );

    it('T43: withdraws it from the node that has it, and again without harm', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.withdraw(subject.config, 'db1'));
      expect(await subject.target()).toBeNull();
      value(await subject.vip.withdraw(subject.config, 'db1'));
      value(await subject.vip.withdraw(subject.config, null));
    });

    it('withdraws it from nobody but the expected node', async () => {
      const subject = await at(make, 'db2');
      for (const from of ['db1', null]) {
        expect(problem(await subject.vip.withdraw(subject.config, from))).toMatchObject({
          code: 'Refused',
          details: { holder: 'db2' },
        });
      }
      expect(await subject.target()).toBe(instanceOf(subject, 'db2'));
    });

    it('a foreign target is Refused with what is there, and left alone', async () => {
      const subject = await make();
      await subject.steal(subject.stranger);
      const told = { code: 'Refused', details: { instanceId: subject.stranger } };
      expect(problem(await subject.vip.read(subject.config))).toMatchObject(told);
      expect(problem(await subject.vip.withdraw(subject.config, 'db1'))).toMatchObject(told);
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2'))).toMatchObject(told);
      expect(await subject.target()).toBe(subject.stranger);
    });

    it('an address that does not exist is Broken', async () => {
      const { vip, config } = await make();
      const wrong = { ...config, vip: { ...config.vip, allocationId: 'eipalloc-00000000000000000' } };
      expect(problem(await vip.read(wrong)).code).toBe('Broken');
    });

    it('a node that the cluster does not have is Broken', async () => {
      const { vip, config } = await make();
      expect(problem(await vip.move(config, null, 'db9')).code).toBe('Broken');
    });
  });
}
