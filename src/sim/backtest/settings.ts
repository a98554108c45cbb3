/**
 * What a back-test is run with. Three worlds answer at once, each with an account and a strategy of
 * its own over the same recording; they differ in one thing, what resting orders get.
 */
import type { Lots, MicroUsd } from "../../core/index.ts";
import type { Cadence } from "../../features/index.ts";
import type { Membership } from "../../market/index.ts";
import type { Pricing, RiskLimits } from "../../orders/index.ts";
import { FILL_MODELS, type FillModel, type FillModelName } from "../fill-model.ts";
import { DEFAULT_LATENCY, type LatencySettings } from "../latency.ts";
import type { OverlaySettings } from "../overlay.ts";

export const WORLD_NAMES = ["optimistic", "expected", "pessimistic"] as const;
export type WorldName = (typeof WORLD_NAMES)[number];

const MODEL_OF_WORLD = { optimistic: "touch", expected: "queue", pessimistic: "through" } as const;

/** The fill model of a world. */
export function worldModel(
  world: WorldName,
  { fillModels = MODEL_OF_WORLD }: Pick<BacktestSettings, "fillModels">,
): FillModel {
  return FILL_MODELS[fillModels[world]];
}

export interface BacktestSettings {
  /** When decisions fall: at whole seconds, or after every change of a book. */
  readonly cadence: Cadence;
  /** Tickers of the markets to trade, those that a session has of them; null for all. */
  readonly tickers: readonly string[] | null;
  /** Cash at the start of every session; a session's markets share it. */
  readonly startingCash: MicroUsd;
  readonly limits: RiskLimits;
  /** How the five actions place orders, for strategies that use them. */
  readonly pricing: Pricing;
  readonly orderSize: Lots;
  readonly latency: LatencySettings;
  /** Whose account it is, which decides how cash is rounded; a direct member's where absent. */
  readonly membership?: Membership;
  /** Chance on top of the fill models; none where absent. */
  readonly overlay?: OverlaySettings;
  /** The worlds to run, in the order of `WORLD_NAMES`. */
  readonly worlds: readonly WorldName[];
  /** What resting orders get in each world, for studies: `touch`, `queue`, `through` where absent. */
  readonly fillModels?: Readonly<Record<WorldName, FillModelName>>;
  /** What a fault of the strategy does: end the run, or refuse what was asked and go on. */
  readonly onError: "stop" | "refuse";
  readonly seed: number | string;
}

/** 1,000 dollars, orders up to 100 contracts, up to 100 held in each market. */
export const DEFAULT_BACKTEST: BacktestSettings = {
  cadence: "1s",
  tickers: null,
  startingCash: (1000 * 1_000_000) as MicroUsd,
  limits: { orderSizeMax: 10_000 as Lots, positionLimit: 10_000 as Lots, openOrdersMax: 1000 },
  pricing: "join",
  orderSize: 1000 as Lots,
  latency: DEFAULT_LATENCY,
  worlds: WORLD_NAMES,
  onError: "stop",
  seed: 42,
};
