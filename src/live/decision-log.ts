/**
 * The last decisions with what came of each, for people: the order that was sent, kept, amended or
 * refused, and why nothing was done. It hears the run's outputs in their order, in which a decision
 * stands before its commands.
 */
import { formatCentiCents, formatFixed } from "../core/index.ts";
import type { LiveOutput } from "../journal/index.ts";
import { BookSide } from "../market/index.ts";
import { Action, ACTION_NAMES, actionOf, type OrderCommand } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import type { Decision } from "./decider.ts";

export interface ToldDecision {
  readonly decision: Decision;
  /** What came of it, one phrase for each command; never empty once the batch has been heard. */
  readonly came: string[];
}

/** Decisions kept. */
const KEPT = 20;

export class DecisionLog {
  /** Oldest first. */
  readonly last: ToldDecision[] = [];
  /** What was refused last in each market, by its words. */
  readonly #refused = new Map<number, string>();

  /** Takes in what the run put out at once; `trader` is as it is afterwards. */
  hear(outputs: readonly LiveOutput[], trader: Trader | null): void {
    let current: ToldDecision | null = null;
    const heard: ToldDecision[] = [];
    for (const output of outputs) {
      switch (output.kind) {
        case "decision":
          current = { decision: output, came: [] };
          heard.push(current);
          break;
        case "sent":
          current?.came.push(sentWords(output.command, trader));
          break;
        case "refused":
          current?.came.push(
            `${output.command.kind} refused here: ${output.reason.replaceAll("_", " ")}`,
          );
          break;
        default:
          current = null;
      }
    }
    // What no command came of is left as it is, for one reason or another.
    for (const told of heard.slice(-KEPT)) {
      if (told.came.length === 0) told.came.push(whyNothing(told.decision, trader));
      this.last.push(told);
    }
    this.last.splice(0, this.last.length - KEPT);
  }

  /** Whether an output says what the one before it in its market said: a refusal, again and again. */
  isRepeated(output: LiveOutput, trader: Trader | null): boolean {
    if (output.kind !== "refused" && output.kind !== "sent") return false;
    const { command } = output;
    const request =
      command.kind === "submit"
        ? command.request
        : trader?.account.order(command.clientOrderId)?.request;
    if (request === undefined) return false;
    const { market } = request;
    if (output.kind === "sent") {
      this.#refused.delete(market);
      return false;
    }
    const words = `${command.kind} ${output.reason}`;
    if (this.#refused.get(market) === words) return true;
    this.#refused.set(market, words);
    return false;
  }
}

/** Actions that could not have been carried out, by name; "" where all could. */
export function impossibleIn({ mask }: Decision): string {
  return ACTION_NAMES.filter((_name, action) => mask[action] !== "1").join(", ");
}

function sentWords(command: OrderCommand, trader: Trader | null): string {
  if (command.kind === "cancel") return `cancels ${command.clientOrderId}`;
  if (command.kind === "amend") {
    const { clientOrderId, price, size } = command;
    const filled = trader?.account.order(clientOrderId)?.filled ?? 0;
    return `moves ${clientOrderId} to ${formatFixed(size - filled, 2)} at ${formatCentiCents(price)}`;
  }
  const { clientOrderId, side, size, price } = command.request;
  const word = side === BookSide.bid ? "bid" : "ask";
  return `sends ${clientOrderId}, ${word} ${formatFixed(size, 2)} at ${formatCentiCents(price)}`;
}

function whyNothing({ action, market, mask }: Decision, trader: Trader | null): string {
  if (action === Action.hold) return "leaves everything as it is";
  if (mask[action] !== "1") return "cannot be carried out now, nothing is done";
  const open = trader?.account.openOrders(market) ?? [];
  const working = open.find(
    ({ request, cancelInFlight }) => !cancelInFlight && actionOf(request) === action,
  );
  if (working === undefined) return "nothing more may be open beside orders that are on their way";
  const { request, status, amendInFlight } = working;
  return status === "pending" || amendInFlight !== null
    ? `waits for ${request.clientOrderId}, which is on its way`
    : `keeps ${request.clientOrderId}, which fits`;
}
