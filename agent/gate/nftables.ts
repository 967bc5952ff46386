// The gate through nftables: every call is a transaction and a look at what the kernel shows afterwards; only the look counts.
// Nothing here opens the gate without a ticket, so nothing that comes late opens it. Rules and timings are in rules.ts.

import { createHash } from 'node:crypto';
import type { CountedPromise, Gate, Gated, GateProblem, GateStatus } from '../../core/gate';
import type { Clock, Ids } from '../../core/ports';
import { fail, ok, type Result } from '../../core/result';
import { createAbsentGate } from './absent';
import { freeSlot, isIntact, type Listing, readListing, refuses, stateOf } from './listing';
import { createNft, type Nft } from './nft-process';
import * as rules from './rules';
import { createSessions, type Sessions } from './sessions';

export interface NftablesOptions {
  settings: rules.GateSettings;
  clock: Clock;
  ids: Ids;
  /** Programs, with what has to stand before their own arguments (nsenter …). */
  nft?: readonly string[];
  ss?: readonly string[];
  /** Bound of one question to nft; it needs a thousandth of it. */
  answerMs?: number;
}

/** Less than a heartbeat of the default timings. */
const ANSWER_MS = 800;

/** How long an opening for reading, or new rules, may take; what comes later is not made. */
const TICKET_MS = 1000;

const notApplied = (message: string): { ok: false; error: GateProblem } =>
  fail({
    code: 'NotApplied',
    message: `the kernel did not take the gate's rules: ${message}`,
    next: 'install nftables and let the agent run as root or with CAP_NET_ADMIN; see what `nft list ruleset` shows',
  });

const lapsed = fail<GateProblem>({
  code: 'Lapsed',
  message: 'the promise was over, or replaced, before it was confirmed: the gate was not opened by it',
  next: 'renew the lease and confirm that promise',
});

function judged(settings: rules.GateSettings): Result<void, GateProblem> {
  const faults = rules.judgeGateSettings(settings);
  if (faults.length === 0) return ok(undefined);
  return fail({ code: 'BadSettings', message: faults.join('; '), next: 'correct the settings of the gate' });
}

class NftablesGate implements Gate {
  private readonly nft: Nft;
  private readonly sessions: Sessions;
  private readonly table: string;
  private readonly madeOf: string;
  /** What the kernel showed last: spares a look before a change. Null when it was not what it should be. */
  private seen: Listing | null = null;
  private lastTurn: Promise<unknown> = Promise.resolve();
  private repairs = 0;
  private problem: string | null = null;
  /** Opened by this process before: rules that have to be put back end no session by themselves. */
  private wasOpen = false;

  constructor(private readonly options: NftablesOptions) {
    const { settings, clock, nft = ['nft'], ss = ['ss'], answerMs = ANSWER_MS } = options;
    this.nft = createNft(nft, clock, answerMs);
    this.sessions = createSessions(ss, settings);
    this.table = rules.tableOf(settings);
    this.madeOf = rules.digestOf(settings);
  }

  install(): Gated<'kept' | 'installed'> {
    return this.inTurn(async () => {
      const there = await this.look();
      if (there.ok && isIntact(there.value, this.madeOf)) return ok('kept' as const);
      const built = await this.build();
      return built.ok ? ok('installed' as const) : built;
    });
  }

  promise(promiseMs: number): Gated<CountedPromise> {
    return this.inTurn(() =>
      this.twice(async (there) => {
        const counted = { ticket: this.newTicket(), slot: freeSlot(there) };
        const text = rules.promising(this.options.settings, counted, Math.floor(promiseMs));
        const after = await this.applied(text, ({ elements }) => elements.tickets.has(counted.ticket));
        return after.ok ? ok(counted) : after;
      }),
    );
  }

  confirm(promise: CountedPromise): Gated {
    return this.inTurn(async () => {
      const there = await this.ensured();
      if (!there.ok) return there;
      const cut = refuses(there.value) ? await this.cut() : ok(undefined);
      if (!cut.ok) return cut;
      // Emptied when the promise was made: it is there only if this very transaction was taken.
      const opened = ({ elements }: Listing) =>
        elements[`confirmed_${promise.slot}`].size > 0 && !elements.tickets.size;
      const after = await this.applied(rules.confirming(this.options.settings, promise), opened);
      if (after.ok) this.wasOpen = true;
      if (after.ok) return ok(undefined);
      // Rules that are gone are put back at once; the promise is lost with them.
      const again = await this.ensured();
      return again.ok ? lapsed : again;
    });
  }

  openReadOnly(): Gated {
    return this.inTurn(async () => {
      this.seen = null;
      const there = await this.ensured();
      if (!there.ok) return there;
      if (stateOf(there.value).state === 'read-only') return ok(undefined);
      const { settings } = this.options;
      const ticket = this.newTicket();
      // Shut first: sessions that began under a promise do not see the time after it.
      if (!refuses(there.value)) {
        const shut = await this.applied(rules.shutting(settings), refuses);
        if (!shut.ok) return shut;
      }
      const cut = await this.cut();
      if (!cut.ok) return cut;
      const issued = await this.applied(rules.issuing(settings, ticket, TICKET_MS), ({ elements }) =>
        elements.tickets.has(ticket),
      );
      if (!issued.ok) return issued;
      const opened = await this.applied(
        rules.readOnlyOpening(settings, ticket),
        ({ elements }) => elements.readers.size > 0,
      );
      if (opened.ok) this.wasOpen = true;
      return opened.ok ? ok(undefined) : opened;
    });
  }

  shut(): Gated {
    return this.inTurn(async () => {
      this.wasOpen = false;
      const after = await this.twice(() => this.applied(rules.shutting(this.options.settings), refuses));
      return after.ok ? this.cut() : after;
    });
  }

  status(): Promise<GateStatus> {
    return this.inTurn(async () => {
      const there = await this.look();
      const { repairs } = this;
      if (!there.ok) return { state: 'absent', leftMs: null, intact: false, repairs, problem: there.error.message };
      const intact = isIntact(there.value, this.madeOf);
      if (there.value === null) return { state: 'absent', leftMs: null, intact, repairs, problem: 'its table is gone' };
      const problem = intact ? this.problem : 'its rules are not those that were installed';
      return { ...stateOf(there.value), intact, repairs, problem };
    });
  }

  remove(): Gated {
    return this.inTurn(async () => {
      const there = await this.look();
      if (!there.ok || there.value === null) return there.ok ? ok(undefined) : there;
      this.seen = null;
      const after = await this.nft.ask([rules.removal(this.options.settings), this.listLine()]);
      const gone = after !== null && readListing(after.shown, this.table) === null;
      return gone ? ok(undefined) : notApplied(after?.complaint ?? 'nft does not answer');
    });
  }

  async stop(): Promise<void> {
    await this.inTurn(async () => this.nft.stop());
  }

  /** One call after the other: each looks at the table and then changes it. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.lastTurn.then(work);
    this.lastTurn = turn.catch(() => undefined);
    return turn;
  }

  private listLine = (): string => `list table inet ${this.table}`;

  private async look(): Promise<Result<Listing | null, GateProblem>> {
    const answer = await this.nft.ask([this.listLine()]);
    if (answer === null) return notApplied('nft cannot be started or does not answer');
    const listing = readListing(answer.shown, this.table);
    const denied = listing === null && !/No such file or directory/.test(answer.complaint);
    return denied ? notApplied(answer.complaint) : ok(listing);
  }

  /** The table as it should be, as it was seen last or as it is now; put back when it is not right. */
  private async ensured(): Promise<Result<Listing, GateProblem>> {
    if (this.seen !== null) return ok(this.seen);
    const there = await this.look();
    if (!there.ok || isIntact(there.value, this.madeOf)) return there as Result<Listing, GateProblem>;
    this.repairs += 1;
    return this.build();
  }

  /** A change, and when it fails once more on rules that were looked at, and put back if need be. */
  private async twice<T>(change: (there: Listing) => Gated<T>): Gated<T> {
    const there = await this.ensured();
    const done = there.ok ? await change(there.value) : there;
    if (done.ok || !there.ok) return done;
    const again = await this.ensured();
    return again.ok ? change(again.value) : again;
  }

  /** The rules anew. The mark comes with a second transaction: rules that were built half are built again. */
  private async build(): Promise<Result<Listing, GateProblem>> {
    const { settings } = this.options;
    const sound = judged(settings);
    if (!sound.ok) return sound;
    const ticket = this.newTicket();
    // The ticket tells these rules from those that were there before, should the kernel not have taken them.
    const text = `${rules.installation(settings)}; ${rules.issuing(settings, ticket, TICKET_MS)}`;
    const answer = await this.nft.ask([text, this.listLine()]);
    const listing = answer && readListing(answer.shown, this.table);
    if (!listing?.elements.tickets.has(ticket)) return notApplied(answer?.complaint || 'nft does not answer');
    const marking = rules.marking(settings, listing.fixedPart);
    if (this.wasOpen) return this.applied(marking, () => true);
    return this.applied(`${marking}; ${rules.shutting(settings)}`, refuses);
  }

  /** One transaction; ok when the rules are intact afterwards and show what they should. */
  private async applied(text: string, proven: (listing: Listing) => boolean): Promise<Result<Listing, GateProblem>> {
    const answer = await this.nft.ask([text, this.listLine()]);
    const listing = answer && readListing(answer.shown, this.table);
    const done = isIntact(listing, this.madeOf) && proven(listing);
    this.seen = done ? listing : null;
    this.problem = done ? null : (answer?.complaint ?? 'nft does not answer') || 'the rules show something else';
    return done ? ok(listing) : notApplied(this.problem ?? '');
  }

  private async cut(): Promise<Result<void, GateProblem>> {
    const cut = await this.sessions.cut();
    if ('left' in cut && cut.left === 0) return ok(undefined);
    this.problem = 'left' in cut ? `${cut.left} sessions are left that cannot be cut` : cut.problem;
    return fail({
      code: 'SessionsLeft',
      message: `the gate stays shut: ${this.problem}`,
      next: 'stop the engine; install iproute2; the kernel ends sessions without a process by itself within minutes',
    });
  }

  /** 32 bits that no other process uses: a ticket of an agent that is gone fits nothing. */
  private newTicket = (): number => createHash('sha256').update(this.options.ids.next()).digest().readUInt32BE(0) || 1;
}

export const createNftablesGate = (options: NftablesOptions): Gate => new NftablesGate(options);

/** The gate of this node, installed; where it cannot be had, one that says why. Settings that are wrong are an error. */
export async function installGate(options: NftablesOptions): Promise<Result<Gate, GateProblem>> {
  const sound = judged(options.settings);
  if (!sound.ok) return sound;
  const gate = createNftablesGate(options);
  const installed = await gate.install();
  if (installed.ok) return ok(gate);
  await gate.stop();
  return ok(createAbsentGate(installed.error.message));
}
