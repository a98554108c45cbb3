/**
 * Our view of the account against the venue's. Readings take time, and fills and answers are on
 * their way meanwhile; so a difference counts only once a second reading, asked for a while after the
 * first was told, tells the same while our own view has not moved either. Then the venue is right, and
 * the run calibrates; see `account-sync.ts`.
 */
import { formatFixed, type MicroUsd } from "../core/index.ts";
import type { AccountReading, Correction, RestingOrder } from "../journal/index.ts";
import { type Account, type AccountState, isOpen } from "../orders/index.ts";

/** How long a difference must last to be one. Longer than readings lag behind (0.4 s was seen). */
export const CONFIRM_US = 2_000_000;

/** Begins the ids of all orders of all our runs. */
export const ID_FAMILY = "kg-";

export interface ReconciliationOptions {
  readonly tickers: readonly string[];
  readonly account: Account;
  /** Cash of the account that the run does not use; null where it is not known. */
  readonly outside: MicroUsd | null;
}

/** What differs in one reading. Orders of former runs and of nobody are among it. */
export function differencesIn(
  reading: AccountReading,
  { tickers, account, outside }: ReconciliationOptions,
): Correction[] {
  const found: Correction[] = [];
  tickers.forEach((ticker, market) => {
    const held = reading.positions.find((each) => each.ticker === ticker);
    const ours = account.ledger.position(market);
    const venue = held?.position ?? 0;
    if (ours !== venue) found.push({ what: "position", name: ticker, ours, venue });
  });
  const resting = new Map(reading.resting.map((order) => [order.clientOrderId, order]));
  for (let market = 0; market < tickers.length; market++) {
    for (const order of account.openOrders(market)) {
      const { clientOrderId } = order.request;
      const isResting = resting.has(clientOrderId);
      if (order.status === "resting" && !isResting) {
        found.push({ what: "order", name: clientOrderId, ours: "resting", venue: "none" });
      }
    }
  }
  for (const order of strangersIn(reading, account)) {
    found.push({ what: "foreign order", name: order.orderId, ours: "none", venue: "resting" });
  }
  // Orders lock cash by a rule of the venue's that nobody has published: compared without any.
  if (account.openCount === 0 && reading.resting.length === 0 && outside !== null) {
    const ours = account.ledger.cash + outside;
    const venue = reading.available;
    if (ours !== venue) found.push({ what: "cash", name: "cash", ours, venue });
  }
  return found;
}

/** Orders that rest under an id of ours while no run knows them: of a former run, or come late. */
export function strangersIn(reading: AccountReading, account: Account | null): RestingOrder[] {
  return reading.resting.filter((order) => {
    const { clientOrderId } = order;
    if (clientOrderId === null || !isOfFamily(order)) return false;
    const own = account?.order(clientOrderId);
    return own === undefined || !isOpen(own);
  });
}

/** Whether an order is of a run of ours, by its id. */
export function isOfFamily({ clientOrderId }: RestingOrder): boolean {
  return clientOrderId?.startsWith(ID_FAMILY) === true;
}

/** The account with the venue's word in place of ours. */
export function corrected(
  state: AccountState,
  corrections: readonly Correction[],
  reading: AccountReading,
  tickers: readonly string[],
): AccountState {
  const positions = [...state.ledger.positions];
  const costs = [...state.ledger.costs];
  const told = corrections.find(({ what }) => what === "cash");
  let { cash } = state.ledger;
  if (told !== undefined) cash += Number(told.venue) - Number(told.ours);
  for (const { what, name, venue } of corrections) {
    if (what === "position") {
      const market = tickers.indexOf(name);
      const cost = reading.positions.find((each) => each.ticker === name)?.cost ?? 0;
      // What the difference cost is near enough until cash is compared for itself.
      if (told === undefined) cash -= cost - (costs[market] as number);
      positions[market] = Number(venue);
      costs[market] = cost;
    }
  }
  return { ...state, ledger: { ...state.ledger, cash, positions, costs } };
}

/** A difference in words. */
export function wordsOf({ what, name, ours, venue }: Correction): string {
  const words = (of: Correction["ours"]): string => {
    if (typeof of === "string") return of;
    return what === "cash" ? `${formatUsd(of)} $` : `${formatFixed(of, 2)} contracts`;
  };
  const whose = what === "cash" ? "" : what === "position" ? `in ${name} ` : `${name} `;
  return `${what} ${whose}was ${words(ours)} here, ${words(venue)} at the venue`;
}

/** Dollars to the cent, and further only where there is more. */
export function formatUsd(amount: number): string {
  return formatFixed(amount, 6).replace(/0{1,4}$/, "");
}

interface Doubt {
  readonly difference: Correction;
  /** When the reading that told of it first was complete. */
  readonly toldUs: number;
}

/** Remembers what differed, and says what has been confirmed. */
export class Doubts {
  #since = new Map<string, Doubt>();

  get count(): number {
    return this.#since.size;
  }

  clear(): void {
    this.#since.clear();
  }

  /** Takes in the differences of a reading; returns those that an earlier one told too. */
  confirm(differences: readonly Correction[], reading: AccountReading): Correction[] {
    const next = new Map<string, Doubt>();
    const confirmed: Correction[] = [];
    for (const difference of differences) {
      const key = `${difference.what} ${difference.name}`;
      const before = this.#since.get(key);
      const isSame =
        before?.difference.ours === difference.ours && before.difference.venue === difference.venue;
      const doubt =
        before !== undefined && isSame ? before : { difference, toldUs: reading.toldUs };
      if (reading.askedUs >= doubt.toldUs + CONFIRM_US) confirmed.push(difference);
      else next.set(key, doubt);
    }
    this.#since = next;
    return confirmed;
  }
}
