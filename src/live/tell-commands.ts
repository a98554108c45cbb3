import type { LiveOutput } from "../journal/index.ts";
import type { Trader } from "../strategies/index.ts";

/** Has every command of `trader`, sent or refused, told as an output at the time of `nowUs`. */
export function tellCommands(
  trader: Trader,
  nowUs: () => number,
  tell: (output: Extract<LiveOutput, { kind: "sent" | "refused" }>) => void,
): void {
  trader.observer = {
    sent: (command) => {
      tell({ kind: "sent", command, atUs: nowUs() });
    },
    refused: (command, reason) => {
      tell({ kind: "refused", command, reason, atUs: nowUs() });
    },
    received: () => undefined,
  };
}
