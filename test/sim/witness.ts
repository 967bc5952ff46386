// Shows every event to every checker, and keeps the first invariant that was seen broken: it may have been found inside a
// promise that nobody awaits.

import { type Checker, type Found, type InvariantId, invariants, type Scene } from './invariants';

export class InvariantBroken extends Error {
  override name = 'InvariantBroken';

  constructor(
    readonly id: InvariantId,
    readonly found: string,
  ) {
    super(`${id} is broken: ${found}. ${invariants[id].sentence}`);
  }
}

type Event = keyof Checker;
type ArgumentsOf<E extends Event> = Parameters<NonNullable<Checker[E]>> extends [Scene, ...infer More] ? More : never;
type Watch = (scene: Scene, ...more: unknown[]) => Found;

export class Witness {
  broken: InvariantBroken | null = null;
  private readonly watches: Record<Event, [InvariantId, Watch][]>;

  constructor(
    private readonly scene: Scene,
    private readonly onBroken: (what: string) => void,
  ) {
    const checkers = Object.entries(invariants).map(
      ([id, { checker }]) => [id as InvariantId, checker() as Checker] as const,
    );
    const of = (event: Event) =>
      checkers.flatMap(([id, checker]) =>
        checker[event] ? [[id, checker[event] as Watch] as [InvariantId, Watch]] : [],
      );
    this.watches = {
      engine: of('engine'),
      lease: of('lease'),
      vip: of('vip'),
      ack: of('ack'),
      step: of('step'),
      ended: of('ended'),
      decided: of('decided'),
      journal: of('journal'),
      rest: of('rest'),
    };
  }

  see<E extends Event>(event: E, ...more: ArgumentsOf<E>): void {
    for (const [id, watch] of this.watches[event]) {
      const found = watch(this.scene, ...more);
      if (found) this.breaks(id, found);
    }
  }

  breaks(id: InvariantId, found: string): void {
    if (this.broken) return;
    this.broken = new InvariantBroken(id, found);
    this.onBroken(`!!! ${id} is broken: ${found}`);
  }
}
