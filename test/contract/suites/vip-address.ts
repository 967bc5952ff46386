// What a Vip must do that is an address given to one node: two calls make a move, and each is read back.

import { problem, value } from '../../support/samples';
import { at, type MakeVip } from './vip';

export function addressVipContract(name: string, make: MakeVip): void {
  describe(`Vip, an address: ${name}`, () => {
    it('T43: a move withdraws it from the old node before it gives it to the new one', async () => {
      const subject = await at(make, 'db1');
      const seen: (string | null)[] = [];
      subject.script.just('associate', async () => seen.push(await subject.target()));
      value(await subject.vip.move(subject.config, 'db1', 'db2', 1));
      expect(seen).toEqual([null]);
      expect(await subject.target()).toBe('db2');
    });

    it('T48: between look and withdrawal it moved on: the newer association is not touched', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('disassociate', () => subject.steal('db3'));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2', 1));
      expect(late).toMatchObject({ code: 'Refused', details: { holder: 'db3' } });
      expect(await subject.target()).toBe('db3');
    });

    it('T48: an epoch that ends between withdrawal and association leaves the VIP to the newer one', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('disassociate', () => subject.reach(2));
      const late = problem(await subject.vip.move(subject.config, 'db1', 'db2', 1));
      expect(late).toMatchObject({ code: 'Refused', details: { epoch: 2 } });
      expect(await subject.target()).toBeNull();
    });

    it('T47: a move that somebody undid before it was read back is no success', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('associate', () => subject.script.just('describe', () => subject.steal('stranger')));
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 1))).toMatchObject({ code: 'Refused' });
    });

    it('T47: a move that cannot be read back is Unreachable, never a success', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('associate', () => {
        for (let call = 0; call < 200; call += 1) subject.script.next('describe', 'timeout-before');
      });
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 1))).toMatchObject({ code: 'Unreachable' });
    });

    it('T47: a move that never shows is Unreachable, with where the VIP is seen', async () => {
      const subject = await make();
      subject.script.just('associate', () => {
        for (let call = 0; call < 200; call += 1) subject.script.just('describe', () => subject.steal(null));
      });
      const unseen = problem(await subject.vip.move(subject.config, null, 'db2', 1));
      expect(unseen).toMatchObject({ code: 'Unreachable', details: { holder: null, wanted: 'db2' } });
    });

    it('needs no verification: it was read back', async () => {
      const subject = await at(make, 'db1');
      expect(value(await subject.vip.verify(subject.config, 'db1', { change: null, boundMs: 1000 }))).toBeNull();
    });
  });
}
