/** What `replay` says about the journal of a live run. */
import { formatIsoTime } from "../../market/index.ts";
import type { Console } from "../console.ts";
import type { ReplayedPart } from "./live-replaying.ts";
import { shadowLines } from "./shadow-report.ts";

/** Tells of all parts; true where every decision came out the same. */
export function tellReplayedRun(parts: readonly ReplayedPart[], io: Console): boolean {
  for (const part of parts) tellPart(part, io);
  const identical = parts.every(isIdentical);
  io.json({
    identical,
    parts: parts.map((part) => ({
      part: part.number,
      identical: isIdentical(part),
      inputs: part.result.inputs,
      decisions: part.result.decisions,
      orders: part.result.orders,
      fills: part.result.fills,
      difference: part.result.difference,
      journalHash: part.hash,
      parity: part.parity,
      ...(part.shadow && {
        shadow: {
          model: part.shadow.model,
          orders: part.shadow.orders.length,
          same: part.shadow.same,
          cents: part.shadow.cents,
          realLots: part.shadow.realLots,
          simulatedLots: part.shadow.simulatedLots,
          queuePlaces: part.shadow.queue.length,
          differing: part.shadow.orders.filter(({ why }) => why !== "same"),
        },
      }),
      ...(part.contentHash !== null && { contentHash: part.contentHash }),
    })),
  });
  return identical;
}

function isIdentical({ result, parity }: ReplayedPart): boolean {
  return result.difference === null && parity.different === 0;
}

function tellPart(part: ReplayedPart, io: Console): void {
  const { number, header, isEnded, reason, result, parity, shadow, hash } = part;
  const { inputs, decisions, orders, fills, difference, unwritten } = result;
  const ending = isEnded ? `ended: ${reason}` : "was killed, or still runs";
  io.line(
    `Part ${number}, ${header.venue}, from ${formatIsoTime(header.startedUs)}, ${ending}: ` +
      `${inputs} inputs, ${decisions} decisions, ${orders} orders, ${fills} fills, ` +
      `journal ${hash.slice(0, 12)}`,
  );
  if (difference === null) io.line(`  the same trader says the same, output by output`);
  else {
    io.line(`  output ${difference.output} differs:`);
    io.line(`    journalled ${JSON.stringify(difference.journalled)}`);
    io.line(`    replayed   ${JSON.stringify(difference.replayed)}`);
  }
  if (unwritten > 0) io.line(`  ${unwritten} outputs had not been written when it was killed`);
  io.line(
    parity.different === 0
      ? `  ${parity.compared} observations are those of the run's recording, bit for bit`
      : `  ${parity.different} of ${parity.compared} observations differ from the recording's: ${parity.first}`,
  );
  if (shadow !== null) for (const line of shadowLines(shadow)) io.line(`  ${line}`);
}
