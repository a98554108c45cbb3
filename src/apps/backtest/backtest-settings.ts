/** What a back-test runs with, from flags over the configuration file over defaults. */
import type { Lots, MicroUsd } from "../../core/index.ts";
import { type BacktestSettings, DEFAULT_BACKTEST, type WorldName } from "../../sim/index.ts";
import { type Configuration, episodeSettings } from "../configuration.ts";
import { wrongUsage } from "../wrong-usage.ts";

export interface BacktestFlags {
  readonly cadence?: BacktestSettings["cadence"];
  readonly worlds?: readonly WorldName[];
  readonly onError?: BacktestSettings["onError"];
  readonly cash?: number;
  readonly markets?: readonly string[];
}

/** Latencies, and how the five actions place orders, are those of episodes. */
export function backtestSettings(
  configuration: Configuration,
  flags: BacktestFlags,
): BacktestSettings {
  const { backtest = {}, seed } = configuration;
  const { pricing, orderSize, latency, membership, overlay } = episodeSettings(configuration);
  const { limits } = DEFAULT_BACKTEST;
  const lots = (contracts: number | undefined): Lots | undefined =>
    contracts === undefined ? undefined : (Math.round(contracts * 100) as Lots);
  const { eventExposureMaxUsd, seriesExposureMaxUsd } = backtest;
  const cash = flags.cash ?? backtest.startingCashUsd;
  const startingCash = cash === undefined ? DEFAULT_BACKTEST.startingCash : cashOf(cash);
  return {
    cadence: flags.cadence ?? backtest.cadence ?? DEFAULT_BACKTEST.cadence,
    tickers: flags.markets ?? backtest.markets ?? null,
    startingCash,
    limits: {
      ...limits,
      orderSizeMax: lots(backtest.orderContractsMax) ?? limits.orderSizeMax,
      positionLimit: lots(backtest.positionLimitContracts) ?? limits.positionLimit,
      openOrdersMax: backtest.openOrdersMax ?? limits.openOrdersMax,
      ...(eventExposureMaxUsd !== undefined && { eventExposureMax: cashOf(eventExposureMaxUsd) }),
      ...(seriesExposureMaxUsd !== undefined && {
        seriesExposureMax: cashOf(seriesExposureMaxUsd),
      }),
    },
    pricing,
    orderSize,
    latency,
    ...(membership !== undefined && { membership }),
    ...(overlay !== undefined && { overlay }),
    worlds: flags.worlds ?? backtest.worlds ?? DEFAULT_BACKTEST.worlds,
    onError: flags.onError ?? backtest.onError ?? DEFAULT_BACKTEST.onError,
    seed,
  };
}

/** Dollars of which the configuration has found that they are whole micro-dollars. */
function cashOf(usd: number): MicroUsd {
  return Math.round(usd * 1e6) as MicroUsd;
}

/** `key=value` words as an object, later ones over earlier ones. */
export function optionsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
      throw wrongUsage(`--option: expected key=value, such as size=5, was "${word}"`);
    }),
  );
}
