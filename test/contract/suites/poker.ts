// What every Poker must do, whatever stands behind it.

import type { ConsumerConfig } from '../../../core/model';
import type { Poker } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { aNode, problem, value } from '../../support/samples';

export interface PokerSubject {
  poker: Poker;
  script: FaultScript;
  /** Pokes that were sent, as `node cluster epoch`, in order of the nodes' instances. */
  poked(): string[];
  /** Redirects that were sent, as `instance cluster host epoch` and what is to be done there. */
  redirected(): string[];
  /** Stops that were sent, as `instance cluster epoch`. */
  stopped(): string[];
  /** What the host makes of a redirect or a stop. */
  host(outcome: 'done' | 'failed' | 'silent'): void;
  /** Method of a send, as the fault script sees it. */
  poke: string;
  redirect: string;
  stop: string;
}

export const billing: ConsumerConfig = {
  name: 'billing',
  instanceId: 'i-billing',
  properties: { file: '/etc/billing/replica.properties', key: 'com.systar.electron.host' },
  service: 'billing.service',
};
export const reports: ConsumerConfig = { name: 'reports', instanceId: 'i-reports', document: 'doc' };

export function pokerContract(name: string, make: () => Promise<PokerSubject>): void {
  const nodes = ['db1', 'db2', 'db3'].map((node) => aNode(node));
  const main = aNode('db2');

  describe(`Poker: ${name}`, () => {
    it('T57: pokes every node with the cluster and the epoch', async () => {
      const subject = await make();
      value(await subject.poker.poke(nodes, 'shop', 7));
      expect(subject.poked()).toEqual(['i-db1 shop 7', 'i-db2 shop 7', 'i-db3 shop 7']);
    });

    it('pokes no node when there is none', async () => {
      const subject = await make();
      value(await subject.poker.poke([], 'shop', 7));
      expect(subject.poked()).toEqual([]);
    });

    it('a poke without an answer is Unreachable', async () => {
      const subject = await make();
      for (const fault of ['timeout-before', 'timeout-after', 'throttle'] as const) {
        subject.script.next(subject.poke, fault);
        expect(problem(await subject.poker.poke(nodes, 'shop', 7)).code).toBe('Unreachable');
      }
    });

    it('T57: redirects a consumer to the main, with the epoch, and waits until it is done', async () => {
      const subject = await make();
      value(await subject.poker.redirect(billing, 'shop', main, 7));
      value(await subject.poker.redirect(reports, 'shop', main, 7));
      expect(subject.redirected()).toEqual([
        'i-billing shop db2.internal 7 /etc/billing/replica.properties com.systar.electron.host billing.service',
        'i-reports shop db2.internal 7 doc',
      ]);
    });

    it('a redirect that failed on the host is Refused', async () => {
      const subject = await make();
      subject.host('failed');
      expect(problem(await subject.poker.redirect(billing, 'shop', main, 7)).code).toBe('Refused');
    });

    it('T13: a redirect that does not end within the bound is Unreachable', async () => {
      const subject = await make();
      subject.host('silent');
      expect(problem(await subject.poker.redirect(billing, 'shop', main, 7)).code).toBe('Unreachable');
    });

    it('T57: has an engine stopped for a cluster at an epoch, and waits until the host says so', async () => {
      const subject = await make();
      value(await subject.poker.stopEngine(main, 'shop', 7));
      expect(subject.stopped()).toEqual(['i-db2 shop 7']);
    });

    it('a stop that the host refused is Refused', async () => {
      const subject = await make();
      subject.host('failed');
      expect(problem(await subject.poker.stopEngine(main, 'shop', 7)).code).toBe('Refused');
    });

    it('T11: a stop that was only asked for is Unreachable, never done', async () => {
      const subject = await make();
      subject.host('silent');
      expect(problem(await subject.poker.stopEngine(main, 'shop', 7)).code).toBe('Unreachable');
      subject.host('done');
      for (const fault of ['timeout-before', 'timeout-after', 'throttle'] as const) {
        subject.script.next(subject.stop, fault);
        expect(problem(await subject.poker.stopEngine(main, 'shop', 7)).code).toBe('Unreachable');
      }
    });

    it('a redirect whose sending got no answer is Unreachable', async () => {
      const subject = await make();
      subject.script.next(subject.redirect, 'timeout-after');
      expect(problem(await subject.poker.redirect(billing, 'shop', main, 7)).code).toBe('Unreachable');
    });
  });
}
