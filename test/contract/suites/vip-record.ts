// What a Vip must do that is a record in a hosted zone: one batch of DELETE and CREATE, the marker beside the address, and nothing of
// anybody else's touched.

import type { ClusterConfig, Route53VipConfig } from '../../../core/model';
import { problem, value } from '../../support/samples';
import { at, type VipSubject } from './vip';

export interface PlainRecord {
  type: string;
  ttlS: number;
  values: string[];
}

export interface RecordSubject extends VipSubject {
  /** Record sets of the VIP's name, as the zone has them. */
  sets(): Promise<PlainRecord[]>;
  /** What a person does: makes these, and takes away whatever was there of the name. */
  put(sets: readonly (PlainRecord | { type: 'A'; weighted: string } | { type: 'A'; alias: string })[]): Promise<void>;
}

export const recordVip = (change: Partial<Route53VipConfig> = {}): Route53VipConfig => ({
  ...{ kind: 'route53', hostedZoneId: 'Z0123456789', name: 'db.example.com', host: 'db.example.com' },
  ...{ ttlS: 5, private: false, port: 5432 },
  ...change,
});

export const marker = (epoch: number, holder: string, change: number): string =>
  `"mainstay cluster=shop epoch=${epoch} holder=${holder} change=${change}"`;

const byType = (sets: readonly PlainRecord[]) =>
  Object.fromEntries(sets.map(({ type, ttlS, values }) => [type, { ttlS, values }]));
const withTtl = (config: ClusterConfig, ttlS: number): ClusterConfig => ({
  ...config,
  vip: { ...(config.vip as Route53VipConfig), ttlS },
});

export function recordVipContract(name: string, make: () => Promise<RecordSubject>): void {
  const writes = ({ script }: RecordSubject) => script.calls.filter(({ method }) => /^change/i.test(method));

  describe(`Vip, a record: ${name}`, () => {
    it('the first move creates both records, and deletes nothing', async () => {
      const subject = await at(make, 'db1');
      expect(byType(await subject.sets())).toEqual({
        A: { ttlS: 5, values: ['192.0.2.11'] },
        TXT: { ttlS: 5, values: [marker(1, 'db1', 1)] },
      });
      expect(writes(subject)).toHaveLength(1);
    });

    it('T43: a move replaces address and marker in one call', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      expect(byType(await subject.sets())).toEqual({
        A: { ttlS: 5, values: ['192.0.2.12'] },
        TXT: { ttlS: 5, values: [marker(2, 'db2', 2)] },
      });
      expect(writes(subject)).toHaveLength(2);
    });

    it('a withdrawal rewrites the marker and leaves the address: an absent name is remembered for longer than a switchover', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.withdraw(subject.config, 'db1', 1));
      expect(byType(await subject.sets())).toEqual({
        A: { ttlS: 5, values: ['192.0.2.11'] },
        TXT: { ttlS: 5, values: [marker(1, 'none', 2)] },
      });
      expect(value(await subject.vip.read(subject.config))).toBeNull();
    });

    it('a TTL that was changed in the configuration comes with the next move: DELETE states the one that was read', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(withTtl(subject.config, 10), 'db1', 'db2', 2));
      expect(byType(await subject.sets())).toMatchObject({ A: { ttlS: 10 }, TXT: { ttlS: 10 } });
    });

    it('T48: the same place under a newer epoch is written, so that callers of the older one are refused', async () => {
      const subject = await at(make, 'db1');
      value(await subject.vip.move(subject.config, 'db1', 'db1', 4));
      expect(byType(await subject.sets())).toMatchObject({ TXT: { values: [marker(4, 'db1', 2)] } });
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 3))).toMatchObject({ details: { epoch: 4 } });
    });

    it('T48: a batch that was read before a withdrawal and a return fails, though epoch and holder are the same again', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('change', async () => {
        value(await subject.vip.withdraw(subject.config, 'db1', 1));
        value(await subject.vip.move(subject.config, null, 'db1', 1));
      });
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 1)).code).toBe('Refused');
      expect(value(await subject.vip.read(subject.config))).toBe('db1');
    });

    it('T48: an address that a person changes between look and batch makes the batch fail as a whole', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('change', () =>
        subject.put([
          { type: 'A', ttlS: 5, values: ['192.0.2.13'] },
          { type: 'TXT', ttlS: 5, values: [marker(1, 'db1', 1)] },
        ]),
      );
      expect(problem(await subject.vip.move(subject.config, 'db1', 'db2', 1))).toMatchObject({
        code: 'Refused',
        details: { holder: 'db3', address: '192.0.2.13' },
      });
      expect(byType(await subject.sets())).toMatchObject({ A: { values: ['192.0.2.13'] } });
    });

    it('T3: two callers with one wish at the same moment: both are told that it is done', async () => {
      const subject = await at(make, 'db1');
      subject.script.just('change', async () => value(await subject.vip.move(subject.config, 'db1', 'db2', 2)));
      value(await subject.vip.move(subject.config, 'db1', 'db2', 2));
      expect(byType(await subject.sets())).toMatchObject({ TXT: { values: [marker(2, 'db2', 2)] } });
    });

    it('an address that was deleted by hand is nowhere, and made again by the next move', async () => {
      const subject = await make();
      await subject.put([{ type: 'TXT', ttlS: 5, values: [marker(3, 'db1', 9)] }]);
      expect(value(await subject.vip.read(subject.config))).toBeNull();
      value(await subject.vip.move(subject.config, null, 'db1', 3));
      expect(byType(await subject.sets())).toMatchObject({
        A: { values: ['192.0.2.11'] },
        TXT: { values: [marker(3, 'db1', 10)] },
      });
    });

    it('an address that a person moved to another node is told as it is: clients go there', async () => {
      const subject = await make();
      await subject.put([
        { type: 'A', ttlS: 5, values: ['192.0.2.12'] },
        { type: 'TXT', ttlS: 5, values: [marker(3, 'db1', 9)] },
      ]);
      expect(value(await subject.vip.read(subject.config))).toBe('db2');
      value(await subject.vip.move(subject.config, 'db2', 'db1', 3));
      expect(byType(await subject.sets())).toMatchObject({ A: { values: ['192.0.2.11'] } });
    });

    it('a marker that a person wrote lets Mainstay have a record that is older than it', async () => {
      const subject = await make();
      await subject.put([
        { type: 'A', ttlS: 300, values: ['192.0.2.11'] },
        { type: 'TXT', ttlS: 300, values: [marker(0, 'none', 0)] },
      ]);
      value(await subject.vip.move(subject.config, null, 'db1', 1));
      expect(byType(await subject.sets())).toMatchObject({ A: { ttlS: 5, values: ['192.0.2.11'] } });
    });

    const strangers: Record<string, Parameters<RecordSubject['put']>[0]> = {
      'an address without a marker': [{ type: 'A', ttlS: 5, values: ['192.0.2.11'] }],
      'two addresses': [
        { type: 'A', ttlS: 5, values: ['192.0.2.11', '192.0.2.12'] },
        { type: 'TXT', ttlS: 5, values: [marker(1, 'db1', 1)] },
      ],
      'an alias': [{ type: 'A', alias: 'lb.example.com' }],
      'a weighted record': [{ type: 'A', weighted: 'blue' }],
      "somebody else's TXT record": [{ type: 'TXT', ttlS: 300, values: ['"v=spf1 -all"'] }],
      "another cluster's marker": [
        { type: 'TXT', ttlS: 5, values: ['"mainstay cluster=other epoch=1 holder=db1 change=1"'] },
      ],
      'addresses of the other family': [{ type: 'AAAA', ttlS: 5, values: ['2001:db8::11'] }],
      'another name': [{ type: 'CNAME', ttlS: 300, values: ['db-old.example.com'] }],
    };
    it.each(Object.keys(strangers))('%s is Refused with what is there, and left alone', async (what) => {
      const subject = await make();
      await subject.put(strangers[what] ?? []);
      const before = await subject.sets();
      const told = { code: 'Refused', details: { name: 'db.example.com' } };
      expect(problem(await subject.vip.read(subject.config))).toMatchObject(told);
      expect(problem(await subject.vip.move(subject.config, null, 'db1', 1))).toMatchObject(told);
      expect(problem(await subject.vip.withdraw(subject.config, 'db1', 1))).toMatchObject(told);
      expect(await subject.sets()).toEqual(before);
      expect(writes(subject)).toEqual([]);
    });
  });
}
