// What the agent has to say for the journal: kept in order and sent beside the loop, so that the journal never delays a
// decision, and a node that was cut off tells afterwards what it did meanwhile. What its process takes with it is lost.

import type { Clock, Journal, JournalEntry } from '../core/ports';

/** Hours of a flapping node; the oldest give way. */
const KEPT = 500;

export class Recorder {
  private readonly waiting: JournalEntry[] = [];
  private sending = false;

  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
    private readonly everyMs: number,
  ) {}

  add(entry: JournalEntry): void {
    this.waiting.push(entry);
    if (this.waiting.length > KEPT) this.waiting.shift();
    if (!this.sending) void this.send();
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  private async send(): Promise<void> {
    this.sending = true;
    for (let entry = this.waiting[0]; entry; entry = this.waiting[0]) {
      const told = await this.journal.append(entry);
      if (!told.ok && told.error.code === 'Unreachable') await this.clock.sleep(this.everyMs);
      else if (this.waiting[0] === entry) this.waiting.shift();
    }
    this.sending = false;
  }
}
