// What every Poker must do, whatever stands behind it.

import type { Poker } from '../../../core/ports';
import type { FaultScript } from '../../support/fault-script';
import { aNode, problem, value } from '../../support/samples';

export interface PokerSubject {
  poker: Poker;
  script: FaultScript;
  /** Pokes that were sent, as `node cluster epoch`, in order of the nodes' instances. */
  poked(): string[];
  /** Redirects that were sent, as `instance document host:port epoch`. */
  redirected(): string[];
  /** What the consumer's host makes of a redirect. */
  host(outcome: 'done' | 'failed' | 'silent'): void;
  /** Method of a send, as the fault script sees it. */
  poke: string;
  redirect: string;
}

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

    it('T57: redirects a consumer to host and port of the main, with the epoch, and waits until it is done', async () => {
      const subject = await make();
      value(await subject.poker.redirect('i-billing', 'doc', main, 7));
      expect(subject.redirected()).toEqual(['i-billing doc db2.internal:5432 7']);
    });

    it('a redirect that failed on the host is Refused', async () => {
      const subject = await make();
      subject.host('failed');
      expect(problem(await subject.poker.redirect('i-billing', 'doc', main, 7)).code).toBe('Refused');
    });

    it('T13: a redirect that does not end within the bound is Unreachable', async () => {
      const subject = await make();
      subject.host('silent');
      expect(problem(await subject.poker.redirect('i-billing', 'doc', main, 7)).code).toBe('Unreachable');
    });

    it('a redirect whose sending got no answer is Unreachable', async () => {
      const subject = await make();
      subject.script.next(subject.redirect, 'timeout-after');
      expect(problem(await subject.poker.redirect('i-billing', 'doc', main, 7)).code).toBe('Unreachable');
    });
  });
}
