// Who reaches whom: one switch per direction between nodes, clients and the store, so that cuts may be whole, partial,
// one-way or for clients only.

import type { NodeName } from '../../core/model';

export type Place = NodeName | 'store' | 'clients' | 'control plane';

export class Network {
  private readonly cuts = new Map<string, number>();

  reaches(from: Place, to: Place): boolean {
    return from === to || !this.cuts.has(`${from}>${to}`);
  }

  bothWays(one: Place, other: Place): boolean {
    return this.reaches(one, other) && this.reaches(other, one);
  }

  /** Cuts may overlap: each is mended by its own. */
  cut(from: Place, to: Place): void {
    this.cuts.set(`${from}>${to}`, (this.cuts.get(`${from}>${to}`) ?? 0) + 1);
  }

  mend(from: Place, to: Place): void {
    const left = (this.cuts.get(`${from}>${to}`) ?? 1) - 1;
    if (left > 0) this.cuts.set(`${from}>${to}`, left);
    else this.cuts.delete(`${from}>${to}`);
  }

  mendAll(): void {
    this.cuts.clear();
  }
}
