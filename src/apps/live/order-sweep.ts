/**
 * Cancels all that rests under an id of one run, by REST alone, round by round. Orders of other runs and
 * of other people are read too, and left alone.
 */
import { setTimeout as wait } from "node:timers/promises";
import { calls, type RestClient, sentenceOf } from "../../kalshi/index.ts";

export interface OrderSweep {
  readonly client: Pick<RestClient, "send" | "sendForAll">;
  /** Begins the ids of the run's orders, and of no other's. */
  readonly idPrefix: string;
  /** The venue is on this machine: where it does not answer for long, it is gone. */
  readonly isLocal: boolean;
  /** False once the run looks after its orders again: they are no longer to be touched. */
  readonly isNeeded: () => boolean;
  readonly log: (text: string) => void;
}

const ROUND_MS = 500;
/** A request of the run may still be on its way to the venue for so long. */
const LANDING_MS = 5_000;
const LOCAL_GONE_MS = 60_000;

/**
 * Goes on until nothing has been found for a while. A venue that does not answer is asked on and on,
 * because it may come back with the orders. False where it was one of this machine and is gone, and
 * where the sweep was no longer needed.
 */
export async function sweepOrders(sweep: OrderSweep): Promise<boolean> {
  const { client, idPrefix, isLocal, isNeeded, log } = sweep;
  let emptySinceMs: number | null = null;
  let answeredMs = performance.now();
  let trouble = "";
  for (let cancelled = 0; ; await wait(ROUND_MS)) {
    const resting = await ordersOf(client, idPrefix);
    if (!isNeeded()) {
      log(`the run is back, or has ended: no more is cancelled, ${cancelled} were`);
      return false;
    }
    const nowMs = performance.now();
    if (typeof resting === "string") {
      emptySinceMs = null;
      if (resting !== trouble) log(`the orders could not be read: ${resting}`);
      trouble = resting;
      if (!isLocal || nowMs - answeredMs < LOCAL_GONE_MS) continue;
      log("the exchange on this machine is gone");
      return false;
    }
    answeredMs = nowMs;
    trouble = "";
    if (resting.length > 0) emptySinceMs = null;
    else emptySinceMs ??= nowMs;
    if (emptySinceMs !== null && nowMs - emptySinceMs >= LANDING_MS) {
      log(`nothing of the run's rests any more, ${cancelled} cancelled`);
      return true;
    }
    const results = await Promise.all(resting.map((orderId) => isCancelled(client, orderId)));
    cancelled += results.filter(Boolean).length;
  }
}

/** The run's orders that rest, by the venue's ids; or why nobody knows. */
function ordersOf(
  client: OrderSweep["client"],
  idPrefix: string,
): Promise<readonly string[] | string> {
  return new Promise((resolve) => {
    client.sendForAll(
      (cursor) => calls.orders({ status: "resting", limit: 1_000, cursor }),
      (answer) => {
        if (answer.kind !== "ok") return resolve(sentenceOf(answer));
        const ours = answer.value.filter(({ clientOrderId }) => clientOrderId.startsWith(idPrefix));
        resolve(ours.map(({ orderId }) => orderId));
      },
    );
  });
}

function isCancelled(client: OrderSweep["client"], orderId: string): Promise<boolean> {
  return new Promise((resolve) => {
    client.send(calls.cancelOrder(orderId), (answer) => resolve(answer.kind === "ok"));
  });
}
