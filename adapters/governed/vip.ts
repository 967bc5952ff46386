// A Vip whose calls wait by the importance of the cluster they are for. Must hold no state beside the adapters it has made.

import { type Importance, importances } from '../../core/fleet';
import type { ClusterConfig } from '../../core/model';
import type { Vip } from '../../core/ports';

export function byImportance(make: (importance: Importance) => Vip): Vip {
  const made = new Map(importances.map((importance) => [importance, make(importance)]));
  const at = (importance: Importance) => made.get(importance) ?? make(importance);
  const of = ({ importance = 'normal' }: ClusterConfig) => at(importance);
  return {
    read: (config) => of(config).read(config),
    // The sweep's: nobody waits for it.
    readMany: (configs) => at('low').readMany(configs),
    withdraw: (config, from, epoch) => of(config).withdraw(config, from, epoch),
    move: (config, from, to, epoch) => of(config).move(config, from, to, epoch),
    verify: (config, node, given) => of(config).verify(config, node, given),
  };
}
