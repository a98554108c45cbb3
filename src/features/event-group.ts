/**
 * The markets of one event seen together: sums of their best prices, for the two features that ask
 * whether the event as a whole is mispriced. Shared by the encoders of the markets; each reports its
 * own best prices and whether it is open (book known, active, not closed). Whether the markets
 * exclude each other is told, never guessed.
 */
import { assert, ONE_DOLLAR_CC } from "../core/index.ts";

export class EventGroup {
  readonly #exclusive: boolean;
  readonly #marketCount: number | null;
  readonly #bidCc: number[] = [];
  readonly #askCc: number[] = [];
  readonly #open: boolean[] = [];
  #openCount = 0;
  /** Best bids and best asks of all members, centi-cents; 0 and 10,000 where a side is empty. */
  bidSumCc = 0;
  askSumCc = 0;

  /** Takes an `EventInfo`, or what a live session knows of the event. */
  constructor(event: { readonly exclusive: boolean; readonly marketCount: number | null }) {
    this.#exclusive = event.exclusive;
    this.#marketCount = event.marketCount;
  }

  /** Adds a market with an unknown book; returns its number in this group. */
  join(): number {
    this.#bidCc.push(0);
    this.#askCc.push(ONE_DOLLAR_CC);
    this.#open.push(false);
    this.askSumCc += ONE_DOLLAR_CC;
    return this.#open.length - 1;
  }

  setBest(member: number, bidCc: number, askCc: number): void {
    this.bidSumCc += bidCc - (this.#bidCc[member] as number);
    this.askSumCc += askCc - (this.#askCc[member] as number);
    this.#bidCc[member] = bidCc;
    this.#askCc[member] = askCc;
  }

  setOpen(member: number, open: boolean): void {
    const was = this.#open[member];
    assert(was !== undefined, "the market belongs to the group");
    if (was === open) return;
    this.#open[member] = open;
    this.#openCount += open ? 1 : -1;
  }

  /** True while the sums say something: exclusive, two or more, all of the event held and open. */
  isJoint(): boolean {
    const members = this.#open.length;
    return (
      this.#exclusive && members > 1 && members === this.#marketCount && this.#openCount === members
    );
  }
}
