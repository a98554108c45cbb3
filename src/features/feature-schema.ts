/**
 * The schema of an observation: what each of its 52 numbers is called, means and ranges over, and
 * the constants inside the definitions. The schema is data, the encoder reads its constants from
 * here, and its hash stands in every model, journal and episode record, so that a model never acts
 * on observations which mean something else. How the state behind the numbers is kept is left to
 * `market-encoder.ts` and `account-features.ts`.
 */
import { assert, canonicalJson, OperationError, sha256 } from "../core/index.ts";

/** Raised whenever a name, definition, range, constant or reading changes. */
export const SCHEMA_VERSION = 1;

export type FeatureGroup = "market" | "order" | "portfolio" | "temporal";

export interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  /** In dollars (prices), contracts (sizes) and seconds; symbols as in docs/observation.md. */
  readonly definition: string;
  readonly low: number;
  readonly high: number;
}

/**
 * Constants of the definitions, in the unit that the name ends in (`cc` is centi-cents). A window
 * of W seconds is (now - W, now].
 */
export const FEATURE_CONSTANTS = {
  spread_cap_cc: 1_000,
  near_best_cc: 500,
  volume_cap_contracts: 10_000_000,
  impact_size_lots: 100_000,
  impact_half_cc: 100,
  concentration_levels: 3,
  trade_offset_cap_cc: 500,
  arbitrage_cap_cc: 500,
  efficiency_cap_cc: 1_000,
  own_distance_cap_cc: 1_000,
  order_age_cap_s: 300,
  position_count_cap: 10,
  entry_offset_cap_cc: 2_500,
  update_half_us: 2_000_000,
  trade_half_us: 5_000_000,
  window_s: 60,
  activity_cap_changes: 10_000,
  traded_cap_contracts: 1_000_000,
  trade_imbalance_damping_lots: 10_000,
  momentum_half_cc: 500,
  long_window_s: 600,
  long_momentum_half_cc: 1_500,
  volatility_window_s: 300,
  volatility_half_cc: 30,
  stability_half_cc: 500,
  close_cap_s: 2_592_000,
  warm_up_s: 600,
} as const;

type Row = readonly [name: string, definition: string, low: number];

const MARKET: readonly Row[] = [
  ["best_yes_bid_norm", "yb", 0],
  ["best_yes_ask_norm", "ya", 0],
  ["yes_spread_norm", "cap(spread / 0.10)", 0],
  ["yes_volume_norm", "cap(ln(1 + B5) / ln(1 + 1e7))", 0],
  ["yes_book_depth_norm", "cap(ln(1 + b1) / ln(1 + 1e7))", 0],
  ["yes_side_imbalance", "(B5 - A5) / (B5 + A5); 0 if both are empty", -1],
  ["best_no_bid_norm", "1 - ya", 0],
  ["best_no_ask_norm", "1 - yb", 0],
  ["no_spread_norm", "cap(spread / (2 min(mid, 1 - mid))); 1 where the mid is 0 or 1", 0],
  ["no_volume_norm", "cap(ln(1 + A5) / ln(1 + 1e7))", 0],
  ["no_book_depth_norm", "cap(ln(1 + a1) / ln(1 + 1e7))", 0],
  ["no_side_imbalance", "(a1 - b1) / (a1 + b1); 0 if both are empty", -1],
  ["mid_price_norm", "mid", 0],
  [
    "buy_impact_norm",
    "x / (x + 0.01), x = average price of buying 1,000 contracts now - ya; 1 if the book cannot",
    0,
  ],
  [
    "sell_impact_norm",
    "x / (x + 0.01), x = yb - average price of selling 1,000 contracts now; 1 if the book cannot",
    0,
  ],
  ["volume_imbalance", "(Vb - Va) / (Vb + Va); 0 if both are empty", -1],
  ["yes_liquidity_concentration", "three largest YES bid levels / Vb; 0 if empty", 0],
  ["no_liquidity_concentration", "three largest NO bid levels / Va; 0 if empty", 0],
  ["last_trade_offset", "clamp((last trade - mid) / 0.05); 0 before the first trade", -1],
  [
    "arbitrage_opportunity",
    "cap(max(0, sum yb - 1, 1 - sum ya) / 0.05) over the event's markets; 0 for a market alone",
    0,
  ],
  [
    "market_efficiency",
    "1 - cap(10 |1 - sum mid|) over the event's markets; 1 - cap(10 spread) for a market alone",
    0,
  ],
];

const ORDER: readonly Row[] = [
  ["has_open_buy", "1 with a resting bid of one's own, else 0", 0],
  ["has_open_sell", "1 with a resting ask of one's own, else 0", 0],
  ["buy_distance_from_mid", "cap(|mid - best own bid| / 0.10); 0 if none", 0],
  ["sell_distance_from_mid", "cap(|best own ask - mid| / 0.10); 0 if none", 0],
  ["time_since_order", "cap(seconds since the newest open order was sent / 300); 0 if none", 0],
];

const PORTFOLIO: readonly Row[] = [
  ["cash_ratio", "cap(available cash / pv)", 0],
  ["position_ratio", "cap(value of positions / pv)", 0],
  ["position_count_norm", "cap(markets with a position / 10)", 0],
  [
    "average_position_size_norm",
    "cap(mean absolute contracts per position / position limit); 0 if none",
    0,
  ],
  ["long_position_ratio", "YES positions / positions; 0 if none", 0],
  ["net_position_bias", "clamp(signed contracts in this market / position limit)", -1],
  ["max_loss_ratio", "cap(what positions lose if all settle against us / pv)", 0],
  ["unrealized_pnl_ratio", "clamp(unrealized profit / pv)", -1],
  ["realized_pnl_ratio", "clamp(realized profit after fees / starting cash)", -1],
  ["reserved_cash_ratio", "cap(cash locked by open orders / pv)", 0],
  [
    "entry_price_offset",
    "clamp((mid - average entry) / 0.25) for YES, clamp((average entry - mid) / 0.25) for NO, " +
      "entry in YES price; 0 if flat",
    -1,
  ],
  ["drawdown_ratio", "cap((peak pv - pv) / peak pv)", 0],
];

const TEMPORAL: readonly Row[] = [
  ["time_since_last_update", "s / (s + 2), s = seconds since this book changed", 0],
  ["time_since_last_trade", "s / (s + 5), s = seconds since the last trade; 1 before the first", 0],
  ["activity_score", "cap(ln(1 + book changes in 60 s) / ln(1 + 10,000))", 0],
  ["activity_change", "activity_score - the same over the 60 s before", -1],
  ["trade_intensity", "cap(ln(1 + contracts traded in 60 s) / ln(1 + 1e6))", 0],
  [
    "trade_imbalance",
    "(y - n) / (y + n + 100): contracts taken by YES buyers y and by NO buyers n in 60 s",
    -1,
  ],
  ["price_momentum", "x / (|x| + 0.05), x = mid - mid 60 s ago", -1],
  ["price_momentum_long", "x / (|x| + 0.15), x = mid - mid 600 s ago", -1],
  [
    "volatility_regime",
    "d / (d + 0.003), d = standard deviation of the 1 s mid changes over 300 s",
    0,
  ],
  ["price_stability", "0.05 / (r + 0.05), r = highest - lowest mid in 60 s", 0],
  ["activity_persistence", "share of the last 60 seconds in which the book changed", 0],
  ["time_of_day_norm", "UTC second of day / 86,400", 0],
  ["day_of_week_norm", "UTC weekday / 6, Monday 0", 0],
  [
    "time_to_close_norm",
    "cap(ln(1 + seconds to the scheduled close) / ln(1 + 2,592,000)); 1 if unknown",
    0,
  ],
];

function group(name: FeatureGroup, rows: readonly Row[]): Feature[] {
  return rows.map(([feature, definition, low]) => ({
    name: feature,
    group: name,
    definition,
    low,
    high: 1,
  }));
}

/** The features in the order of the observation. [52] */
export const FEATURES: readonly Feature[] = [
  ...group("market", MARKET),
  ...group("order", ORDER),
  ...group("portfolio", PORTFOLIO),
  ...group("temporal", TEMPORAL),
];

export const FEATURE_COUNT = 52;
export const FEATURE_NAMES: readonly string[] = FEATURES.map((feature) => feature.name);

/** Where the account's part starts (features 21..37), and where the temporal part does. */
export const ACCOUNT_OFFSET = 21;
export const TEMPORAL_OFFSET = 38;
/** Columns of the recording's own part: features 0..20, then 38..51. */
export const MARKET_FEATURE_COUNT = 35;

assert(FEATURES.length === FEATURE_COUNT, "the schema has 52 features");
assert(new Set(FEATURE_NAMES).size === FEATURE_COUNT, "no two features share a name");

/** SHA-256 of the schema's canonical JSON: names, definitions, ranges, constants, version. */
export const SCHEMA_HASH: string = sha256(
  canonicalJson({ version: SCHEMA_VERSION, features: FEATURES, constants: FEATURE_CONSTANTS }),
);

/**
 * Refuses observations of another schema with `SCHEMA_MISMATCH`; `place` says what brought the hash
 * along, a model file for instance.
 */
export function requireSchema(hash: string, place: string): void {
  if (hash === SCHEMA_HASH) return;
  throw new OperationError(
    "SCHEMA_MISMATCH",
    `${place}: expected observation schema ${SCHEMA_HASH} (version ${SCHEMA_VERSION}), was ` +
      `${hash}; use the version of the software that made it, or make it anew`,
  );
}

/** The schema as lines of a Markdown table, as printed in docs/observation.md. */
export function featureTable(): string[] {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const lines = FEATURES.map((feature, index) =>
    row([
      String(index),
      feature.group,
      `\`${feature.name}\``,
      feature.definition.replaceAll("|", "\\|"),
      `${feature.low}..${feature.high}`,
    ]),
  );
  return [row(["i", "group", "name", "definition", "range"]), "|---|---|---|---|---|", ...lines];
}
