/**
 * The run's other half: a small process beside it that cancels the run's orders where the run cannot.
 * It has its own connection and its own loop, so it works when the run's loop hangs and when the run is
 * killed. What it does it does by REST alone: it reads the resting orders and cancels those whose id is
 * of our family, until none is left.
 *
 *   the run is gone without having said goodbye      cancel
 *   no sign of life from the run for a while         cancel
 *   a stop was asked for and the run does not end    cancel, and end the run
 */
import { setTimeout as wait } from "node:timers/promises";
import { present, Prng } from "../../core/index.ts";
import {
  calls,
  keySourceFrom,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  RestClient,
  sentenceOf,
} from "../../kalshi/index.ts";
import { ID_FAMILY } from "../../live/index.ts";
import { formatIsoTime } from "../../market/index.ts";
import { MachineScheduler } from "../machine-scheduler.ts";
import type { KeyPlace } from "./local-venue.ts";
import { isRunning, RunFolder } from "./run-folder.ts";

/** The first message to it. */
export interface WatchOrder {
  readonly kind: "watch";
  readonly folder: string;
  readonly pid: number;
  readonly restUrl: string;
  readonly wsUrl: string;
  /** Null where the key is in the environment. */
  readonly key: KeyPlace | null;
}

export type WatchMessage = WatchOrder | { readonly kind: "alive" } | { readonly kind: "goodbye" };

/** Without a sign of life for so long the run's loop counts as stuck. */
const SILENCE_MS = 10_000;
/** How long a run may take to stop by itself. */
const STOP_MS = 10_000;
const LOOK_MS = 250;
const ROUND_MS = 500;
/** A request of the run may still be on its way to the venue for so long. */
const LANDING_MS = 5_000;

/** Serves until the run is gone. Call it in a process that was started with a channel. */
export async function serveWatchdog(): Promise<void> {
  let order: WatchOrder | null = null;
  let lastMs = performance.now();
  let isOver = false;
  let isGone = false;
  process.on("message", (message: WatchMessage) => {
    lastMs = performance.now();
    if (message.kind === "watch") order = message;
    if (message.kind === "goodbye") isOver = true;
  });
  process.on("disconnect", () => {
    isGone = true;
  });
  // A Ctrl-C is the run's to answer.
  process.on("SIGINT", () => undefined);
  let stopAskedMs: number | null = null;
  let hasSwept = false;
  let lookedMs = performance.now();
  while (!isOver) {
    await wait(LOOK_MS);
    const nowMs = performance.now();
    // Where this process slept too, as with the machine, nothing is known of the other.
    if (nowMs - lookedMs > 4 * LOOK_MS) lastMs = nowMs;
    lookedMs = nowMs;
    const watched = order as WatchOrder | null;
    if (watched === null) {
      if (isGone) return;
      continue;
    }
    const folder = new RunFolder(watched.folder);
    if (isGone) {
      await sweep(watched, folder, "the run is gone");
      return;
    }
    if (folder.isStopAsked) stopAskedMs ??= nowMs;
    if (stopAskedMs !== null && nowMs - stopAskedMs > STOP_MS) {
      await sweep(watched, folder, "a stop was asked for and the run did not end");
      if (isRunning(watched.pid)) process.kill(watched.pid, "SIGKILL");
      return;
    }
    const isSilent = nowMs - lastMs > SILENCE_MS;
    if (isSilent && !hasSwept) await sweep(watched, folder, "the run gives no sign of life");
    hasSwept = isSilent;
  }
}

/** Cancels all that rests under an id of ours, round by round, until nothing has been found for a while. */
async function sweep(order: WatchOrder, folder: RunFolder, why: string): Promise<void> {
  const scheduler = new MachineScheduler();
  const say = (text: string): void => {
    folder.log("watchdog.log", `${formatIsoTime(scheduler.nowUs())} ${text}`);
  };
  say(`${why}: cancelling`);
  const { restUrl, wsUrl } = order;
  const venue = openVenue({ restUrl, wsUrl });
  const source =
    order.key === null
      ? keySourceFrom(process.env)
      : { keyId: order.key.keyId, file: order.key.keyFile };
  const key = loadSigningKey(venue, present(source, "the run had a key"));
  const network = new NodeNetwork(venue);
  const prng = Prng.fromSeed(process.pid);
  const client = new RestClient({ venue, key, network, scheduler, prng });
  try {
    let emptySinceMs: number | null = null;
    for (let cancelled = 0; ;) {
      const resting = await new Promise<readonly string[] | null>((resolve) => {
        client.sendForAll(
          (cursor) => calls.orders({ status: "resting", limit: 1_000, cursor }),
          (answer) => {
            if (answer.kind !== "ok") say(`the orders could not be read: ${sentenceOf(answer)}`);
            const ours =
              answer.kind === "ok"
                ? answer.value.filter(({ clientOrderId }) => clientOrderId.startsWith(ID_FAMILY))
                : null;
            resolve(ours === null ? null : ours.map(({ orderId }) => orderId));
          },
        );
      });
      if (resting?.length === 0) {
        emptySinceMs ??= performance.now();
        if (performance.now() - emptySinceMs >= LANDING_MS) {
          say(`nothing of ours rests any more, ${cancelled} cancelled`);
          return;
        }
      } else emptySinceMs = null;
      await Promise.all(
        (resting ?? []).map(
          (orderId) =>
            new Promise<void>((resolve) => {
              client.send(calls.cancelOrder(orderId), (answer) => {
                if (answer.kind === "ok") cancelled += 1;
                resolve();
              });
            }),
        ),
      );
      await wait(ROUND_MS);
    }
  } finally {
    client.close();
    network.close();
  }
}
