/**
 * The run's other half: a small process beside it that cancels the run's orders where the run cannot.
 * It has its own connection and its own loop, so it works when the run's loop hangs and when the run is
 * killed. What it does it does by REST alone: it reads the resting orders and cancels those whose id is
 * of this run, until none is left. Another run may have begun meanwhile: its orders are its own.
 *
 *   the run is gone without having said goodbye      cancel
 *   no sign of life from the run for a while         cancel, until it is back
 *   a stop was asked for and the run does not end    end the run, and cancel
 */
import { setTimeout as wait } from "node:timers/promises";
import { messageOf, present, Prng } from "../../core/index.ts";
import {
  keySourceFrom,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  RestClient,
} from "../../kalshi/index.ts";
import { formatIsoTime } from "../../market/index.ts";
import { MachineScheduler } from "../machine-scheduler.ts";
import type { KeyPlace } from "./local-venue.ts";
import { sweepOrders } from "./order-sweep.ts";
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
  /** Begins the ids of the run's orders, and of no other's. */
  readonly idPrefix: string;
  /** The exchange is the run's own: it ends with the run, and its orders with it. */
  readonly isOwnExchange: boolean;
}

/** Names the environment variable with the order for a watchdog that takes another one's place. */
export const WATCH_VARIABLE = "KALSHI_GYM_WATCH";

export type WatchMessage = WatchOrder | { readonly kind: "alive" } | { readonly kind: "goodbye" };

/** Without a sign of life for so long the run's loop counts as stuck. */
const SILENCE_MS = 10_000;
/** How long a run may take to stop by itself. */
const STOP_MS = 10_000;
const LOOK_MS = 250;

/** Serves until the run is gone. Call it in a process that was started with a channel. */
export async function serveWatchdog(): Promise<void> {
  const given = process.env[WATCH_VARIABLE] ?? "";
  let order = given === "" ? null : (JSON.parse(given) as WatchOrder);
  let lastMs = performance.now();
  let isOver = false;
  let isGone = false;
  let wake: () => void = () => undefined;
  process.on("message", (message: WatchMessage) => {
    lastMs = performance.now();
    if (message.kind === "watch") {
      order = message;
      process.send?.("watching", () => undefined);
    }
    if (message.kind === "goodbye") isOver = true;
    if (isOver) wake();
  });
  process.on("disconnect", () => {
    isGone = true;
    wake();
  });
  // The run may have gone before this program could listen.
  isGone = !process.connected;
  // A Ctrl-C is the run's to answer.
  process.on("SIGINT", () => undefined);
  let stopAskedMs: number | null = null;
  let isSweeping = false;
  let hasSwept = false;
  let lookedMs = performance.now();
  for (;;) {
    await Promise.race([wait(LOOK_MS), new Promise<void>((resolve) => (wake = resolve))]);
    // The goodbye comes first, also where both are there at once.
    if (isOver) return;
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
      await finish(watched, folder, "the run is gone");
      return;
    }
    if (folder.isStopAsked) stopAskedMs ??= nowMs;
    if (stopAskedMs !== null && nowMs - stopAskedMs > STOP_MS) {
      // First of all nothing new may be sent.
      if (isRunning(watched.pid)) process.kill(watched.pid, "SIGKILL");
      await finish(watched, folder, "a stop was asked for and the run did not end");
      return;
    }
    const isSilent = (): boolean => performance.now() - lastMs > SILENCE_MS;
    if (!isSilent()) hasSwept = false;
    else if (!hasSwept && !isSweeping) {
      [hasSwept, isSweeping] = [true, true];
      // Beside this loop, for the venue may not answer for long, and the run may end meanwhile.
      const isNeeded = (): boolean => !isOver && !isGone && isSilent();
      void sweep(watched, folder, "the run gives no sign of life", isNeeded).finally(() => {
        isSweeping = false;
      });
    }
  }
}

/** The run is gone: its orders go, and the folder says so. */
async function finish(order: WatchOrder, folder: RunFolder, why: string): Promise<void> {
  if (order.isOwnExchange) tell(folder, `${why}, and its exchange with it`);
  else if (!(await sweep(order, folder, why))) return;
  try {
    const note = folder.note();
    // Another run may have begun in the folder.
    if (note.pid === order.pid) folder.tell({ ...note, sweptUs: new MachineScheduler().nowUs() });
  } catch (error) {
    tell(folder, `the folder: ${messageOf(error)}`);
  }
}

/** Sweeps the run's orders with a connection of its own; false where that came to no end. */
async function sweep(
  order: WatchOrder,
  folder: RunFolder,
  why: string,
  isNeeded = (): boolean => true,
): Promise<boolean> {
  tell(folder, `${why}: cancelling`);
  const { restUrl, wsUrl, idPrefix } = order;
  const venue = openVenue({ restUrl, wsUrl });
  const source =
    order.key === null
      ? keySourceFrom(process.env)
      : { keyId: order.key.keyId, file: order.key.keyFile };
  const key = loadSigningKey(venue, present(source, "the run had a key"));
  const network = new NodeNetwork(venue);
  const [scheduler, prng] = [new MachineScheduler(), Prng.fromSeed(process.pid)];
  const client = new RestClient({ venue, key, network, scheduler, prng });
  const { isLocal } = venue;
  const log = (text: string): void => {
    tell(folder, text);
  };
  try {
    return await sweepOrders({ client, idPrefix, isLocal, isNeeded, log });
  } finally {
    client.close();
    network.close();
  }
}

/** A line of the log; where there is no room for it, cancelling goes on without. */
function tell(folder: RunFolder, text: string): void {
  try {
    folder.log("watchdog.log", `${formatIsoTime(new MachineScheduler().nowUs())} ${text}`);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${messageOf(error)}\n`);
  }
}
