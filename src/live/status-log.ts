/**
 * The state of a run in one block of text, to be read in the night and copied into a message: what
 * state it is in and since when, how every way to the venue is, money, positions, orders, the last
 * decisions, transitions and errors. It tells no key, signature or token, for it is never given one.
 */
import { formatCentiCents, formatFixed } from "../core/index.ts";
import type { LiveOutput } from "../journal/index.ts";
import { BookSide, formatIsoTime } from "../market/index.ts";
import { ACTION_NAMES, type Order } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import { impossibleIn, type ToldDecision } from "./decision-log.ts";
import type { ToldFill } from "./fill-log.ts";
import type { LiveMarket } from "./live-market.ts";
import type { LiveTrader } from "./live-trader.ts";
import { formatUsd, wordsOf } from "./reconciliation.ts";
import type { Remark } from "./remarks.ts";
import { isRoutine } from "./state-machine.ts";

/** A part of the run that may fail by itself. */
export interface ServiceHealth {
  readonly name: string;
  /** In a word or two: "open", "waiting 3 s", "closed". */
  readonly state: string;
  /** When it last heard from the other side; null for never. */
  readonly lastUs: number | null;
  readonly detail: string;
}

export interface StatusFacts {
  readonly nowUs: number;
  readonly run: LiveTrader;
  readonly services: readonly ServiceHealth[];
  /** The last decisions, oldest first. */
  readonly decisions: readonly ToldDecision[];
  /** The last fills, oldest first. */
  readonly fills: readonly ToldFill[];
  readonly remarks: readonly Remark[];
  readonly handled: number;
  readonly ticksMissed: number;
}

const TRANSITIONS_SHOWN = 10;
const MARKETS_SHOWN = 50;
const DECISIONS_SHOWN = 8;
const REMARKS_SHOWN = 8;

/** The block, its lines ended by line feeds. */
export function statusText(facts: StatusFacts): string {
  const { nowUs, run } = facts;
  const { header, machine } = run;
  const age = (sinceUs: number): string => seconds(nowUs - sinceUs);
  const waiting = run.state === "CALIBRATING" ? run.waitingFor : [];
  const lines = [
    `${header.software} · ${header.venue} · run ${header.idPrefix} · ${time(nowUs)}`,
    `state      ${run.state} for ${age(machine.sinceUs)}` +
      (waiting.length > 0 ? `, waiting for ${waiting.join("; ")}` : "") +
      (run.stopReason === null ? "" : `, stopping: ${run.stopReason}`),
    `entered    ${Object.entries(machine.entries)
      .map(([state, count]) => `${state} ${count}`)
      .join(", ")}`,
    `running    ${age(header.startedUs)}, ${facts.handled} inputs, ${run.decider.count} decisions, ` +
      `${facts.ticksMissed} seconds missed`,
    ...[...run.links].map(
      ([name, { isUp, why, sinceUs }]) =>
        `link       ${name}: ${isUp ? "up" : "DOWN"} ${sinceUs > 0 ? `for ${age(sinceUs)}` : ""} (${why})`,
    ),
    ...facts.services.map(
      ({ name, state, lastUs, detail }) =>
        `service    ${name}: ${state}, last message ${lastUs === null ? "never" : `${age(lastUs)} ago`}` +
        (detail === "" ? "" : `, ${detail}`),
    ),
    ...accountLines(run),
    ...marketLines(run, nowUs),
    ...facts.decisions
      .slice(-DECISIONS_SHOWN)
      .map((told) => decisionLine(told, run.markets[told.decision.market]?.info.ticker ?? "")),
    ...facts.fills.map(({ atUs, words }) => `fill       ${time(atUs)} ${words}`),
    ...machine.history
      .slice(-TRANSITIONS_SHOWN)
      .map(({ from, to, why, atUs }) => `transition ${time(atUs)} ${from} -> ${to}: ${why}`),
    ...remarkLines(facts.remarks, "note"),
    ...remarkLines(facts.remarks, "error"),
  ];
  return `${lines.join("\n")}\n`;
}

/** `outputWords` behind its time. */
export function outputLine(output: LiveOutput, tickers: readonly string[]): string | null {
  const words = outputWords(output, tickers);
  return words === null ? null : `${time(output.atUs)} ${words}`;
}

/** What an output says to a person; null for those that come by the thousand. */
export function outputWords(output: LiveOutput, tickers: readonly string[]): string | null {
  switch (output.kind) {
    case "state":
      return isRoutine(output) ? null : `${output.from} -> ${output.to}: ${output.why}`;
    case "correction":
      return `corrected: ${wordsOf(output.correction)}`;
    case "refused":
      return `refused ${output.command.kind}: ${output.reason.replaceAll("_", " ")}`;
    case "note":
      return output.text;
    case "sent": {
      const { command } = output;
      if (command.kind === "cancel") return `cancel ${command.clientOrderId}`;
      if (command.kind === "amend") {
        const total = formatFixed(command.size, 2);
        return `amend ${command.clientOrderId} to ${total} in all at ${formatCentiCents(command.price)}`;
      }
      const { market, side, price, size, clientOrderId } = command.request;
      const word = side === BookSide.bid ? "bid" : "ask";
      const ticker = tickers[market] ?? String(market);
      return `${word} ${formatFixed(size, 2)} of ${ticker} at ${formatCentiCents(price)}, ${clientOrderId}`;
    }
    case "ask":
      return output.what === "account" ? null : `asked the venue: ${output.what}`;
    case "decision":
      return null;
  }
}

/** Markets that are as they should be are only counted where they are many. */
function marketLines({ markets }: LiveTrader, nowUs: number): string[] {
  const isOdd = (market: LiveMarket): boolean => !market.isOpen || market.gapSinceUs !== null;
  const odd = markets.filter(isOdd);
  const first = markets.length <= MARKETS_SHOWN ? markets : odd.slice(0, MARKETS_SHOWN);
  const lines = first.map((market) => marketLine(market, nowUs));
  const left = markets.length - first.length;
  if (left === 0) return lines;
  const oddLeft = odd.length - first.length;
  return [
    ...lines,
    `market     ${left} more: ${left - oddLeft} active with a book, ${oddLeft} not`,
  ];
}

function marketLine(market: LiveMarket, nowUs: number): string {
  const { info, encoder, lastNewsUs, newsCount, isActive, gapSinceUs } = market;
  const book = !encoder.isKnown()
    ? "no book"
    : `${formatCentiCents(encoder.bestBidCc() as never)} / ${formatCentiCents(encoder.bestAskCc() as never)}`;
  const state = encoder.isClosed() ? "closed" : isActive ? "active" : "paused";
  const gap = gapSinceUs === null ? "" : `, gap for ${seconds(nowUs - gapSinceUs)}`;
  const last = lastNewsUs === null ? "nothing yet" : `last ${seconds(nowUs - lastNewsUs)} ago`;
  return `market     ${info.ticker}: ${state}, ${book}, ${newsCount} messages, ${last}${gap}`;
}

function decisionLine({ decision, came }: ToldDecision, ticker: string): string {
  const { atUs, action, bid, ask } = decision;
  const impossible = impossibleIn(decision);
  return (
    `decision   ${time(atUs)} ${ticker}: ${ACTION_NAMES[action] ?? action} at ` +
    `${formatCentiCents(bid)} / ${formatCentiCents(ask)}: ${came.join(", ")}` +
    (impossible === "" ? "" : `; impossible: ${impossible}`)
  );
}

function remarkLines(remarks: readonly Remark[], kind: Remark["kind"]): string[] {
  return remarks
    .filter((remark) => remark.kind === kind)
    .slice(-REMARKS_SHOWN)
    .map(({ atUs, text, times }) => {
      const often = times === 1 ? "" : ` (${times} times)`;
      return `${kind.padEnd(10)} ${time(atUs)} ${text}${often}`;
    });
}

function accountLines({ trader, startValue, sync, markets }: LiveTrader): string[] {
  if (trader === null) return ["account    not read yet"];
  const { account } = trader;
  const { ledger } = account;
  const value = trader.portfolioValue();
  const gained = startValue === null ? 0 : value - startValue;
  return [
    `account    cash ${usd(ledger.cash)}, locked ${usd(account.locked)}, value ${usd(value)}, ` +
      `since the start ${usd(gained)}, fees ${usd(ledger.fees)}`,
    `reconciled ${sync.reconciled} times, ${sync.corrections} corrections, ` +
      `${sync.doubts.count} doubts`,
    ...markets.flatMap(({ index, info }) => positionLine(trader, index, info.ticker)),
    ...markets.flatMap(({ index, info }) =>
      account.openOrders(index).map((order) => orderLine(order, info.ticker)),
    ),
  ];
}

function positionLine({ account }: Trader, market: number, ticker: string): string[] {
  const { ledger } = account;
  const position = ledger.position(market);
  if (position === 0) return [];
  const word = position > 0 ? "YES" : "NO";
  const cost = ledger.costs[market] ?? 0;
  return [`position   ${ticker}: ${formatFixed(Math.abs(position), 2)} ${word}, cost ${usd(cost)}`];
}

function orderLine(
  { request, price, size, filled, status, ...rest }: Order,
  ticker: string,
): string {
  const word = request.side === BookSide.bid ? "bid" : "ask";
  const marks =
    (rest.cancelInFlight ? ", cancel on its way" : "") +
    (rest.amendInFlight === null ? "" : ", amend on its way");
  return (
    `order      ${request.clientOrderId} ${ticker}: ${word} ${formatFixed(size - filled, 2)} of ` +
    `${formatFixed(size, 2)} at ${formatCentiCents(price)}, ${status}${marks}`
  );
}

function usd(amount: number): string {
  return `${formatUsd(amount)} $`;
}

function seconds(us: number): string {
  return us < 10_000_000
    ? `${(Math.max(0, us) / 1_000_000).toFixed(1)} s`
    : `${Math.round(us / 1_000_000)} s`;
}

function time(us: number): string {
  return formatIsoTime(us as never);
}
