// The agent's two sides of going on without the store: as main it asks everybody again and again and stretches its promise; as
// anybody else it gives its word and keeps it, also across a restart: an agent that has just started may have given one.

import { judgeQuestion, type Question, type Word } from '../core/failsafe';
import { contenderWaitMs } from '../core/timings';
import type { LeaseKeeper } from './lease-keeper';
import type { AgentParts } from './parts';

export class Failsafe {
  private readonly startedAtMs: number;
  private givenAtMs = Number.NEGATIVE_INFINITY;
  private stretched = false;
  private stopped = false;

  constructor(
    private readonly parts: AgentParts,
    private readonly keeper: LeaseKeeper,
    private readonly told: {
      poke: () => void;
      /** The promise lasts longer now: so must whatever stops the engine at its end. */
      stretched: () => Promise<void>;
      record: (kind: 'event', rule: string, because: string) => void;
    },
  ) {
    this.startedAtMs = parts.clock.nowMs();
  }

  private get isOn(): boolean {
    return this.parts.config.onStoreLoss === 'failsafe';
  }

  /** Somebody may still rely on this node's word: it must not become main. */
  get bound(): boolean {
    const sinceMs = Math.max(this.startedAtMs, this.givenAtMs);
    return this.isOn && this.parts.clock.nowMs() - sinceMs < contenderWaitMs(this.parts.config.timings);
  }

  /** What a main is told that asks this node. */
  answer(question: Question): Word {
    const { config, clock } = this.parts;
    const { lease, lastProblem } = this.keeper;
    const standing = { cluster: config.name, mode: config.onStoreLoss, lease, storeLost: lastProblem !== null };
    const word = judgeQuestion(question, standing);
    if (word.given) this.givenAtMs = clock.nowMs();
    // It may be a matter of moments until this node notices, too.
    else if (lastProblem === null) this.told.poke();
    return word;
  }

  /** Beside the loop, whose requests hang while the store is away. */
  async run(): Promise<void> {
    const { clock, config } = this.parts;
    if (!this.isOn) return;
    while (!this.stopped) {
      if (this.needed()) await this.stretch();
      else if (this.keeper.lastProblem === null) this.stretched = false;
      await clock.sleep(config.timings.alertMs);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private needed(): boolean {
    const { lease, holdsIt, lastProblem } = this.keeper;
    return holdsIt && lease?.phase === 'held' && lease.drain === null && lastProblem !== null && this.runsOut();
  }

  /** Renewed early, and not while there is plenty left. */
  private runsOut(): boolean {
    return (this.keeper.promiseLeftMs() ?? 0) < contenderWaitMs(this.parts.config.timings) / 2;
  }

  private async stretch(): Promise<void> {
    const { config, me, witnesses, log } = this.parts;
    const epoch = this.keeper.lease?.epoch ?? 0;
    const others = config.nodes.filter(({ name }) => name !== me.name);
    const question = { cluster: config.name, epoch, holder: me.name };
    let refused = '';
    const done = await this.keeper.stretch(async () => {
      const words = await Promise.all(others.map((node) => witnesses.ask(node, question)));
      refused = words
        .map((word, index) => `${others[index]?.name}: ${word.ok ? word.value.because : word.error.message}`)
        .filter((_, index) => !words[index]?.ok || !(words[index] as { value: Word }).value.given)
        .join('; ');
      return words.every((word) => word.ok && word.value.given && word.value.epoch === epoch);
    });
    if (done) await this.told.stretched();
    if (done && !this.stretched) {
      const because = `nobody reaches the store, and every other node gives its word at epoch ${epoch}: the main goes on`;
      log(`F10: ${because}`);
      this.told.record('event', 'F10', because);
    }
    if (!done && this.stretched) log(`F20: the main cannot go on without the store: ${refused}`);
    this.stretched = done;
  }
}
