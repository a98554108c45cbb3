/**
 * Changes of orders whose outcome is found out. Where a request was sent and no answer came, nothing
 * is sent anew: the venue is asked for the order, by our own id where it has told us none, until the
 * order is found as it was wanted or cannot come any more.
 *
 * When can it not come any more? The venue's answers lag behind its doings, and a request may still be
 * on its way when we give it up. `/exchange/user_data_timestamp` tells up to which moment answers are
 * complete. Once that moment has moved on by `landingUs` since the first question, by the venue's own
 * clock, an order that is still missing is held to be absent. This is an assumption about the venue:
 * a request that is held up for longer than that can still arrive, and shows as an order that nobody
 * knows, which reconciliation has to cancel.
 */
import type { Prng, Scheduler, TimestampUs } from "../../core/index.ts";
import { backoffUs, type BackoffSettings } from "../backoff.ts";
import type {
  OrderAmended,
  OrderAmendment,
  OrderCancelled,
  OrderCreated,
  OrderDecrease,
  OrderDecreased,
  OrderTicket,
  VenueOrder,
} from "../wire/orders.ts";
import type { Answer } from "./answer.ts";
import { type Call, calls, ORDER_CREATION, queryTime } from "./calls.ts";
import type { RestClient } from "./rest-client.ts";

export interface OrderEntrySettings {
  /** How long a request may still be on its way to the venue when it has been given up. */
  readonly landingUs: number;
  /** Waits between questions. */
  readonly backoff: BackoffSettings;
}

export const ORDER_ENTRY_SETTINGS: OrderEntrySettings = {
  landingUs: 5_000_000,
  backoff: { firstUs: 250_000, mostUs: 5_000_000 },
};

/** What became of a change, in the end. */
export type EntryOutcome<T> =
  | { readonly kind: "done"; readonly answer: T }
  /** The venue said no; nothing happened. */
  | Extract<Answer<never>, { kind: "refused" }>
  /** It was never sent; nothing happened. */
  | Extract<Answer<never>, { kind: "failed" }>
  /** No answer came; asked for, this is the order's state, which may not be the wanted one. */
  | { readonly kind: "found"; readonly order: VenueOrder }
  /** No answer came; asked for, there is no such order. */
  | { readonly kind: "absent" }
  /** The client was closed before it was known. */
  | Extract<Answer<never>, { kind: "unknown" }>;

type Done<T> = (outcome: EntryOutcome<T>) => void;

interface Question {
  /** Finds the order in the venue's answers; null where it is not among them. */
  readonly look: (done: (answer: Answer<VenueOrder | null>) => void) => void;
  /** Whether the order is as it was wanted, so that no later answer can differ. */
  readonly isAsWanted: (order: VenueOrder) => boolean;
}

export class OrderEntry {
  readonly #client: RestClient;
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #settings: OrderEntrySettings;
  #isClosed = false;
  readonly #waiting = new Set<{ readonly callOff: () => void; readonly end: () => void }>();

  constructor(
    client: RestClient,
    scheduler: Scheduler,
    prng: Prng,
    settings: OrderEntrySettings = ORDER_ENTRY_SETTINGS,
  ) {
    this.#client = client;
    this.#scheduler = scheduler;
    this.#prng = prng.fork("order entry");
    this.#settings = settings;
  }

  /** Number of changes whose outcome is being asked for. */
  get asking(): number {
    return this.#waiting.size;
  }

  /** From now on an order does not wait for its signature to be made. */
  signAhead(): void {
    this.#client.signAhead(ORDER_CREATION);
  }

  /** Creates an order. It must have a client id, or nothing could be asked for. */
  create(ticket: OrderTicket & { clientOrderId: string }, done: Done<OrderCreated>): void {
    const sentUs = this.#scheduler.nowUs();
    this.#change(calls.createOrder(ticket), done, () => true, {
      look: (told) => {
        this.#lookByClientId(ticket, sentUs, told);
      },
      isAsWanted: () => true,
    });
  }

  /**
   * Amends an order. `knownUs` is when its present terms are known to have held, by the venue's clock:
   * a reading that is no younger may show wanted terms that were its terms long ago.
   */
  amend(
    orderId: string,
    amendment: OrderAmendment,
    done: Done<OrderAmended>,
    knownUs = -Infinity,
  ): void {
    const call = calls.amendOrder(orderId, amendment);
    this.#change(call, done, isOf(orderId), {
      look: (told) => {
        this.#lookById(orderId, told);
      },
      isAsWanted: (order) =>
        order.status !== "resting" ||
        (order.price === amendment.price &&
          order.filled + order.remaining === amendment.size &&
          isYounger(order, knownUs)),
    });
  }

  decrease(orderId: string, decrease: OrderDecrease, done: Done<OrderDecreased>): void {
    this.#change(calls.decreaseOrder(orderId, decrease), done, isOf(orderId), {
      look: (told) => {
        this.#lookById(orderId, told);
      },
      // A decrease to a size shows; a decrease by a size does not, and is waited for.
      isAsWanted: (order) =>
        order.status !== "resting" || (decrease.to !== null && order.remaining <= decrease.to),
    });
  }

  /**
   * Cancels an order. "not found" is no end, for an order that has just been filled or cancelled is
   * not found either: its state is asked for.
   */
  cancel(orderId: string, done: Done<OrderCancelled>): void {
    const question: Question = {
      look: (told) => {
        this.#lookById(orderId, told);
      },
      isAsWanted: (order) => order.status !== "resting",
    };
    const settled: Done<OrderCancelled> = (outcome) => {
      if (outcome.kind === "refused" && outcome.status === 404) this.#ask(question, done);
      else done(outcome);
    };
    this.#change(calls.cancelOrder(orderId), settled, isOf(orderId), question);
  }

  /** Ends: what is still being asked for is told as unknown. Close the client first. */
  close(): void {
    this.#isClosed = true;
    for (const entry of [...this.#waiting]) {
      this.#waiting.delete(entry);
      entry.callOff();
      entry.end();
    }
  }

  #change<T extends { readonly orderId: string }>(
    call: Call<T>,
    done: Done<T>,
    isAbout: (answer: T) => boolean,
    question: Question,
  ): void {
    this.#client.send(call, (answer) => {
      if (answer.kind === "ok" && isAbout(answer.value))
        done({ kind: "done", answer: answer.value });
      // Answers that tell of another order have been seen at the venue: what happened is not known.
      else if (answer.kind === "ok" || answer.kind === "unknown") this.#ask(question, done);
      else done(answer);
    });
  }

  /** Asks until the order is as wanted, or the venue's answers are complete beyond doubt. */
  #ask<T>(question: Question, done: Done<T>): void {
    let attempt = 0;
    let firstCompleteUs: TimestampUs | null = null;
    const end = (): void =>
      done({ kind: "unknown", reason: "closed before its outcome was known" });
    const later = (): void => {
      if (this.#isClosed) return end();
      const waitUs = backoffUs(this.#settings.backoff, attempt++, this.#prng);
      const callOff = this.#scheduler.after(waitUs, () => {
        this.#waiting.delete(entry);
        round();
      });
      const entry = { callOff, end };
      this.#waiting.add(entry);
    };
    const round = (): void => {
      // First how complete the answers are, then the answers: they are then at least as complete.
      this.#client.send(calls.userDataTime(), (complete) => {
        if (complete.kind !== "ok") return later();
        firstCompleteUs ??= complete.value;
        const isFinal = complete.value >= firstCompleteUs + this.#settings.landingUs;
        question.look((answer) => {
          if (answer.kind !== "ok") return later();
          const order = answer.value;
          if (order !== null && (isFinal || question.isAsWanted(order))) {
            return done({ kind: "found", order });
          }
          if (order === null && isFinal) return done({ kind: "absent" });
          later();
        });
      });
    };
    later();
  }

  #lookById(orderId: string, told: (answer: Answer<VenueOrder | null>) => void): void {
    this.#client.send(calls.order(orderId), (answer) => {
      const isMissing = answer.kind === "refused" && answer.status === 404;
      told(isMissing ? { kind: "ok", value: null } : answer);
    });
  }

  /** The venue cannot be asked for a client id: the market's orders since then are looked through. */
  #lookByClientId(
    ticket: OrderTicket,
    sentUs: TimestampUs,
    told: (answer: Answer<VenueOrder | null>) => void,
  ): void {
    // Two minutes more, for the clocks may differ by what the venue's check of the time lets pass.
    const minTs = queryTime(sentUs) - 120;
    const { ticker } = ticket;
    this.#client.sendForAll(
      (cursor) => calls.orders({ ticker, min_ts: minTs, limit: 1_000, cursor }),
      (answer) => {
        if (answer.kind !== "ok") return told(answer);
        const order = answer.value.find((one) => one.clientOrderId === ticket.clientOrderId);
        told({ kind: "ok", value: order ?? null });
      },
    );
  }
}

/** In whole milliseconds, which is what some of the venue's times are told in. */
function isYounger({ updatedUs }: VenueOrder, thanUs: number): boolean {
  return updatedUs === null || Math.floor(updatedUs / 1_000) > Math.floor(thanUs / 1_000);
}

function isOf(orderId: string): (answer: { readonly orderId: string }) => boolean {
  return (answer) => answer.orderId === orderId;
}
