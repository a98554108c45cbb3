/**
 * Faults as text: a list of rules in JSON, for a file or the control endpoint, and one rule on a
 * command line as `kind[:share[:milliseconds]]`, such as `loseAnswer:0.05` or `slow:1:250`.
 */
import { MICRO_USD_PER_USD, OperationError, parseFixed } from "../../core/index.ts";
import { CHANNELS } from "../feed/subscriptions.ts";
import { FAULT_KINDS, type FaultKind, type FaultRule } from "./fault-plan.ts";

const MILLION = MICRO_USD_PER_USD;
/** What "late" and "slow" mean where no time is given. */
const AMOUNT_US = 500_000;
const US_PER_MS = 1_000;

const KEYS = new Set([
  ...["kind", "from_ms", "until_ms", "chance", "times", "method", "path", "channel", "amount_ms"],
]);

/** Reads a list of rules; `FAULT_RULE` names the rule and the key that is wrong. */
export function readFaultRules(value: unknown, place: string): FaultRule[] {
  if (!Array.isArray(value)) throw wrong(place, "a list of rules", value);
  return value.map((rule: unknown, index) => readRule(rule, `${place}[${index}]`));
}

/** Reads one rule of a command line. */
export function readFaultWord(word: string): FaultRule {
  const [kind = "", share, milliseconds, ...rest] = word.split(":");
  const place = `fault "${word}"`;
  if (rest.length > 0) throw wrong(place, "kind[:share[:milliseconds]]", word);
  return readRule(
    {
      kind,
      ...(share === undefined ? {} : { chance: numberOf(share, `${place}, share`) }),
      ...(milliseconds === undefined
        ? {}
        : { amount_ms: numberOf(milliseconds, `${place}, milliseconds`) }),
    },
    place,
  );
}

/** The rules as `readFaultRules` reads them. */
export function writeFaultRules(rules: readonly FaultRule[]): object[] {
  return rules.map((rule) => ({
    kind: rule.kind,
    from_ms: rule.fromUs / US_PER_MS,
    ...(Number.isFinite(rule.untilUs) ? { until_ms: rule.untilUs / US_PER_MS } : {}),
    chance: rule.chancePpm / MILLION,
    ...(Number.isFinite(rule.timesMax) ? { times: rule.timesMax } : {}),
    ...(rule.method === null ? {} : { method: rule.method }),
    ...(rule.path === null ? {} : { path: rule.path }),
    ...(rule.channel === null ? {} : { channel: rule.channel }),
    amount_ms: rule.amountUs / US_PER_MS,
  }));
}

function readRule(value: unknown, place: string): FaultRule {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(place, "an object", value);
  }
  const given = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(given)) {
    if (!KEYS.has(key)) throw wrong(place, `keys out of ${[...KEYS].join(", ")}`, key);
  }
  const kind = given["kind"];
  if (!isKind(kind)) throw wrong(`${place}.kind`, `one of ${FAULT_KINDS.join(", ")}`, kind);
  const within = (key: string, least: number, most: number, absent: number): number =>
    boundedOf(given[key], `${place}.${key}`, { least, most, absent });
  const channel = wordOf(given["channel"], `${place}.channel`);
  if (channel !== null && !Object.hasOwn(CHANNELS, channel)) {
    throw wrong(`${place}.channel`, `one of ${Object.keys(CHANNELS).join(", ")}`, channel);
  }
  const fromMs = within("from_ms", 0, 1e12, 0);
  const untilMs = within("until_ms", 0, 1e12, Infinity);
  if (untilMs <= fromMs) throw wrong(`${place}.until_ms`, `a number above ${fromMs}`, untilMs);
  const least = kind === "skew" ? -1e12 : 0;
  return {
    kind,
    fromUs: Math.round(fromMs * US_PER_MS),
    untilUs: Math.round(untilMs * US_PER_MS),
    chancePpm: Math.round(within("chance", 0, 1, 1) * MILLION),
    timesMax: within("times", 0, 1e12, Infinity),
    method: wordOf(given["method"], `${place}.method`),
    path: wordOf(given["path"], `${place}.path`),
    channel,
    amountUs: Math.round(within("amount_ms", least, 1e12, AMOUNT_US / US_PER_MS) * US_PER_MS),
  };
}

function isKind(value: unknown): value is FaultKind {
  return (FAULT_KINDS as readonly unknown[]).includes(value);
}

function boundedOf(
  value: unknown,
  place: string,
  { least, most, absent }: { least: number; most: number; absent: number },
): number {
  if (value === undefined) return absent;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw wrong(place, `a number from ${least} to ${most}`, value);
}

function wordOf(value: unknown, place: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && value !== "") return value;
  throw wrong(place, "a string", value);
}

function numberOf(text: string, place: string): number {
  return parseFixed(text, 6, place) / MILLION;
}

function wrong(place: string, expected: string, was: unknown): OperationError {
  const shown = typeof was === "object" && was !== null ? "something else" : String(was);
  return new OperationError("FAULT_RULE", `${place}: expected ${expected}, was ${shown}`);
}
