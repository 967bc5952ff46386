// Two clients: one writes to whatever the VIP points to, the other keeps its connection open for as long as it is answered.
// Remembers what was acknowledged, and where in the history it stood.

import type { Machine } from './machine';
import type { Network } from './network';

export interface Acked {
  id: number;
  /** Place in the history of the node that took it. */
  index: number;
}

export interface ClientParts {
  machines: readonly Machine[];
  network: Network;
  replication: 'async' | 'sync';
  vipTarget: () => Machine | undefined;
  onAck: (machine: Machine) => void;
}

interface Waiting extends Acked {
  machine: Machine;
  pid: number;
}

export class Clients {
  acked: Acked[] = [];
  private nextId = 1;
  private waiting: Waiting[] = [];
  private connected: Machine | undefined;

  constructor(private readonly parts: ClientParts) {}

  /** One write of each. */
  write(): void {
    const { vipTarget } = this.parts;
    this.writeTo(vipTarget());
    if (!this.connected || !this.writeTo(this.connected)) this.connected = vipTarget();
  }

  private writeTo(machine: Machine | undefined): boolean {
    if (!machine?.accepts || !this.parts.network.bothWays('clients', machine.name)) return false;
    const { engine } = machine;
    const write = { id: this.nextId++, index: engine.writes.length, machine, pid: engine.pid };
    engine.writes.push({ id: write.id });
    if (this.parts.replication === 'sync') this.waiting.push(write);
    else this.acknowledge(write);
    return true;
  }

  /** Synchronous: acknowledged by the node that took it, still the same process, once every backup has it. */
  confirm(): void {
    const { machines } = this.parts;
    this.waiting = this.waiting.filter((write) => {
      const { machine, pid, id, index } = write;
      if (!machine.engine.running || machine.engine.pid !== pid) return false;
      if (!machine.accepts || !machines.every(({ engine }) => engine.writes[index]?.id === id)) return true;
      this.acknowledge(write);
      return false;
    });
  }

  private acknowledge({ id, index, machine }: Waiting): void {
    this.acked.push({ id, index });
    this.parts.onAck(machine);
  }

  /** What this node does not have is lost: it was judged, and is not counted again. */
  writeOff({ engine }: Machine): void {
    this.acked = this.acked.filter(({ index, id }) => engine.writes[index]?.id === id);
  }
}
