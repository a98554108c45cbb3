/**
 * Fills of orders that an earlier part of the journal sent and no part has told of: they happened while
 * the run was down, or in the moment in which it was killed. The venue's list of fills is read with the
 * account until none can come any more; which order of ours a fill is of is asked for each order.
 */
import type { TimestampUs } from "../../core/index.ts";
import type { MissedFill } from "../../journal/index.ts";
import {
  type AccountTruth,
  type Answer,
  calls,
  type RestClient,
  type VenueFill,
} from "../../kalshi/index.ts";
import { ID_FAMILY } from "../../live/index.ts";
import type { ClientOrderId } from "../../orders/index.ts";

/** What the journal knows of the parts before this one. */
export interface FormerParts {
  /** Since when a fill may be missing, by this machine's clock; null where no order was ever sent. */
  readonly formerSinceUs: number | null;
  hasFill(tradeId: string): boolean;
  hasFormerOrder(clientOrderId: string): boolean;
}

type Failure = Exclude<Answer<never>, { kind: "ok" }>;

/** By how much clocks may differ. */
const CLOCKS_US = 60_000_000;
/** No former order has rested for so long: none that was on its way comes any more, nor its fill. */
const QUIET_US = 10_000_000;

export class MissedFills {
  readonly #former: FormerParts;
  readonly #client: RestClient;
  /** Client order ids by the venue's; null for an order that the venue does not know any more. */
  readonly #clientIds = new Map<string, string | null>();
  #quietSinceUs: number | null = null;
  #isOver: boolean;

  constructor(client: RestClient, former: FormerParts | null) {
    this.#client = client;
    this.#former = former ?? {
      formerSinceUs: null,
      hasFill: () => true,
      hasFormerOrder: () => false,
    };
    this.#isOver = this.#former.formerSinceUs === null;
  }

  /** Since when the account's fills are to be read; null when they are not needed. */
  get sinceUs(): TimestampUs | null {
    const { formerSinceUs } = this.#former;
    if (this.#isOver || formerSinceUs === null) return null;
    return Math.max(0, formerSinceUs - CLOCKS_US) as TimestampUs;
  }

  /** What a reading tells that nobody has told before; `done` hears it, or what failed, once. */
  find(truth: AccountTruth, done: (found: readonly MissedFill[] | Failure) => void): void {
    if (this.#isOver) return done([]);
    const unknown = truth.fills.filter(({ tradeId }) => !this.#former.hasFill(tradeId));
    const orderIds = [...new Set(unknown.map(({ orderId }) => orderId))];
    this.#askFor(
      orderIds.filter((orderId) => !this.#clientIds.has(orderId)),
      (failure) => {
        if (failure !== null) return done(failure);
        this.#watchQuiet(truth);
        done(unknown.flatMap((fill) => this.#missedOf(fill)));
      },
    );
  }

  #askFor(orderIds: readonly string[], done: (failure: Failure | null) => void): void {
    const [orderId, ...rest] = orderIds;
    if (orderId === undefined) return done(null);
    this.#client.send(calls.order(orderId), (answer) => {
      const isUnknown = answer.kind === "refused" && answer.status === 404;
      if (answer.kind !== "ok" && !isUnknown) return done(answer);
      this.#clientIds.set(orderId, answer.kind === "ok" ? answer.value.clientOrderId : null);
      this.#askFor(rest, done);
    });
  }

  #missedOf(fill: VenueFill): readonly MissedFill[] {
    const clientOrderId = this.#clientIds.get(fill.orderId) ?? null;
    if (clientOrderId === null || !this.#former.hasFormerOrder(clientOrderId)) return [];
    const { tradeId, ticker, side, price, size, fee, isTaker, createdUs } = fill;
    return [
      {
        ...{ tradeId, ticker, side, price, size, fee },
        clientOrderId: clientOrderId as ClientOrderId,
        role: isTaker ? "taker" : "maker",
        atUs: createdUs ?? 0,
      },
    ];
  }

  #watchQuiet({ resting, completeUntilUs }: AccountTruth): void {
    const isQuiet = !resting.some(
      ({ clientOrderId }) =>
        clientOrderId.startsWith(ID_FAMILY) && this.#former.hasFormerOrder(clientOrderId),
    );
    if (!isQuiet) this.#quietSinceUs = null;
    else this.#quietSinceUs ??= completeUntilUs;
    this.#isOver = this.#quietSinceUs !== null && completeUntilUs - this.#quietSinceUs >= QUIET_US;
  }
}
