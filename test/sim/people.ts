// What operators do through the CLI and the console, at the right and at the wrong moment.

import { type ChangeRequest, changed, type TransitionName } from '../../core/lease';
import type { OperationKind, PolicyMode } from '../../core/model';
import type { Outcome } from '../../workflows/interpreter';
import { anAddress } from '../support/samples';
import type { Machine } from './machine';
import type { World } from './world';

export class People {
  private orders = 0;

  constructor(private readonly world: World) {}

  /** Starts an execution as the CLI does. */
  order(kind: OperationKind, input: object = {}): Promise<Outcome> | null {
    this.orders += 1;
    return this.world.cloud.start(kind, `alpha-${kind}-op${this.orders}`, { cluster: 'alpha', by: 'ann', ...input });
  }

  async setPolicy(mode: PolicyMode): Promise<void> {
    const { world } = this;
    world.tell(`ann sets policy ${mode}`);
    const policy = { mode, until: null, by: 'ann', reason: 'maintenance of the rack', at: world.clock.wall() };
    await world.store.settings.putPolicy(world.config.name, policy);
  }

  /** mainstay pause. */
  pause(): Promise<boolean> {
    return this.change('askPause', {});
  }

  /** mainstay resume: only what an operator paused. */
  async resume(): Promise<void> {
    const { phase, pausedBy, holder } = this.world.lease();
    if (phase === 'paused' && pausedBy === 'operator') await this.change('resume', { node: holder ?? '' });
  }

  /** mainstay start --yes, when nobody is left: says that the node with the most data is right, and gives it the VIP. */
  async seat(): Promise<void> {
    const { world } = this;
    const whole = world.machines.filter(({ engine }) => !engine.torn);
    const [right] = whole.sort((a, b) => b.engine.writes.length - a.engine.writes.length);
    if (!right) return;
    world.byPerson = true;
    if (await this.change('seat', { node: right.name })) {
      world.clients.writeOff(right);
      world.addresses.steal(anAddress(world.config), right.config.instanceId);
    }
    world.byPerson = false;
  }

  /** systemctl stop on the node: the agent hands everything over in peace, or is killed by systemd in the end. */
  async stopAgent(machine: Machine): Promise<void> {
    const { world } = this;
    const { agent, life } = machine;
    if (!agent || !life) return;
    world.tell(`${machine.name}: agent stopped cleanly`);
    const startedAtMs = world.clock.nowMs();
    const { holder, phase } = world.lease();
    const served = holder === machine.name && phase === 'held';
    const quiet = () => world.wasWell(machine, startedAtMs - 1000) && machine.engine.stopMs === 0;
    machine.leaving = true;
    await agent.stop();
    if (machine.life !== life) return;
    machine.killAgent();
    machine.left = { epoch: world.lease().epoch, undisturbed: served && quiet() };
    world.tell(`${machine.name}: agent has ended`);
  }

  private async change(name: TransitionName, request: ChangeRequest): Promise<boolean> {
    const { world } = this;
    const lease = world.lease();
    const next = changed(lease, name, request, world.ids.next());
    world.tell(`ann: ${name} ${next.ok ? '' : next.error.message}`);
    if (!next.ok) return false;
    return (await world.store.leases.swap(lease, next.value)).ok;
  }
}
