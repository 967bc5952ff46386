// What operators do through the CLI and the console, at the right and at the wrong moment.

import type { ChangeRequest } from '../../core/clauses';
import { changed, type TransitionName } from '../../core/lease';
import type { OperationKind, PolicyMode } from '../../core/model';
import type { Outcome } from '../../workflows/interpreter';
import { wake } from '../../workflows/wake';
import { anAddress } from '../support/samples';
import type { Machine } from './machine';
import type { World } from './world';

export class People {
  private orders = 0;
  private isOnTheWay = false;

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
    const { epoch } = world.lease();
    const abandoned = await this.asleep();
    if (await this.change('seat', { node: right.name, epoch, ...(abandoned === null ? {} : { abandoned }) })) {
      world.clients.writeOff(right);
      world.addresses.steal(anAddress(world.config), right.config.instanceId);
    }
    world.byPerson = false;
  }

  /** The operation that sleeps until a fence is proven, or null. */
  async asleep(): Promise<string | null> {
    const { operation, epoch, cluster } = this.world.lease();
    const waiting = await this.world.store.waits.read(cluster);
    const isIt = waiting.ok && waiting.value?.operation === operation?.id && waiting.value?.epoch === epoch;
    return isIt ? (operation?.id ?? null) : null;
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

  /**
   * mainstay confirm-fenced, by somebody who knows: the node is off, or they pull its plug first. Walking there and back takes a
   * while, and the word is for the epoch that they left with (T54).
   */
  async confirmFenced(): Promise<void> {
    const { world } = this;
    const { phase, former, fence, epoch } = world.lease();
    const machine = world.machine(former);
    if (phase !== 'claimed' || fence !== null || !machine || this.isOnTheWay) return;
    this.isOnTheWay = true;
    await world.clock.sleep(world.random.between(100, 3000));
    if (machine.powered) {
      world.tell(`ann pulls the plug of ${machine.name}`);
      machine.powerOff();
      world.power.set(machine.config.instanceId, 'stopped');
    }
    await world.clock.sleep(world.random.between(100, 2000));
    await this.vouch(machine.name, epoch);
    this.isOnTheWay = false;
  }

  /** The word, whether it is true or not, and then the alarm clock. */
  async vouch(node: string, epoch: number): Promise<boolean> {
    const { world } = this;
    const word = { by: 'ann', reason: 'its plug is in my hand', at: world.clock.wall() };
    if (!(await this.change('vouch', { node, epoch, word }))) return false;
    const { cluster, operation } = world.lease();
    await wake({ waits: world.store.waits, tasks: world.tasks }, { cluster, operation: operation?.id ?? '', epoch });
    return true;
  }

  /** For a while, whenever a fence cannot be proven. */
  async standByFence(forMs: number): Promise<void> {
    const { clock } = this.world;
    for (const endMs = clock.nowMs() + forMs; clock.nowMs() < endMs; await clock.sleep(1000))
      await this.confirmFenced();
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
