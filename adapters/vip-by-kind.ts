// One Vip for clusters whose VIPs are of different kinds: each call goes to the adapter of the cluster's own kind, which is made
// when it is first needed. Must never ask one kind about another's cluster.

import type { OutsideProblem } from '../core/errors';
import type { ClusterConfig, NodeName, VipConfig } from '../core/model';
import type { Vip } from '../core/ports';
import type { Result } from '../core/result';

export type VipKinds = Record<VipConfig['kind'], () => Promise<Vip>>;

export function createVipByKind(kinds: VipKinds): Vip {
  const made = new Map<string, Promise<Vip>>();
  const of = (kind: VipConfig['kind']): Promise<Vip> => {
    const vip = made.get(kind) ?? kinds[kind]();
    made.set(kind, vip);
    return vip;
  };
  return {
    read: async (config) => (await of(config.vip.kind)).read(config),
    readMany: async (configs) => {
      const answers = new Map<string, Result<NodeName | null, OutsideProblem>>();
      for (const kind of new Set(configs.map(({ vip }) => vip.kind)))
        for (const [cluster, answer] of await (await of(kind)).readMany(ofKind(configs, kind)))
          answers.set(cluster, answer);
      return answers;
    },
    withdraw: async (config, from, epoch) => (await of(config.vip.kind)).withdraw(config, from, epoch),
    move: async (config, from, to, epoch) => (await of(config.vip.kind)).move(config, from, to, epoch),
    verify: async (config, node, given) => (await of(config.vip.kind)).verify(config, node, given),
  };
}

const ofKind = (configs: readonly ClusterConfig[], kind: VipConfig['kind']): ClusterConfig[] =>
  configs.filter(({ vip }) => vip.kind === kind);
