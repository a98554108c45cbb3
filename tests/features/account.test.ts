import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  ACCOUNT_OFFSET,
  type AccountView,
  createAccountView,
  encodeAccount,
  FEATURE_COUNT,
  FEATURE_NAMES,
  FEATURES,
} from "../../src/features/index.ts";

const SEED = Number(process.env["SEED"] ?? 11);

function encoded(view: AccountView): Record<string, number> {
  const out = new Float32Array(FEATURE_COUNT).fill(9);
  encodeAccount(out, 0, view);
  const named: Record<string, number> = {};
  for (let index = 0; index < FEATURE_COUNT; index++) {
    const isOwn = index >= ACCOUNT_OFFSET && index < ACCOUNT_OFFSET + 17;
    if (isOwn) named[FEATURE_NAMES[index] ?? ""] = out[index] ?? NaN;
    else expect(out[index], "the recording's part stays").toBe(9);
  }
  return named;
}

/** 80 dollars free, 10 locked; 40 YES here worth 0.50 and 10 NO elsewhere worth 0.40: pv 114. */
function account(): AccountView {
  return Object.assign(createAccountView(), {
    nowUs: 1_000_000_000,
    midCc2: 10_200, // 0.50 bid, 0.52 ask
    hasOpenBuy: true,
    bestOwnBidCc: 4_700,
    newestOrderSentUs: 970_000_000,
    cashAvailableMicroUsd: 80_000_000,
    cashLockedMicroUsd: 10_000_000,
    positionsValueMicroUsd: 24_000_000,
    positionCount: 2,
    yesPositionCount: 1,
    positionAbsLotsTotal: 5_000,
    netLots: 4_000,
    positionLimitLots: 10_000,
    maxLossMicroUsd: 24_000_000,
    unrealizedPnlMicroUsd: -3_000_000,
    realizedPnlMicroUsd: 15_000_000,
    startingCashMicroUsd: 100_000_000,
    averageEntryCc: 4_600,
    peakPvMicroUsd: 120_000_000,
  });
}

test("an account worked by hand encodes to its definitions", () => {
  const features = encoded(account());
  const expected = {
    has_open_buy: 1,
    has_open_sell: 0,
    buy_distance_from_mid: 0.4,
    sell_distance_from_mid: 0,
    time_since_order: 0.1,
    cash_ratio: 80 / 114,
    position_ratio: 24 / 114,
    position_count_norm: 0.2,
    average_position_size_norm: 0.25,
    long_position_ratio: 0.5,
    net_position_bias: 0.4,
    max_loss_ratio: 24 / 114,
    unrealized_pnl_ratio: -3 / 114,
    realized_pnl_ratio: 0.15,
    reserved_cash_ratio: 10 / 114,
    entry_price_offset: 0.2,
    drawdown_ratio: 6 / 120,
  };
  for (const [name, value] of Object.entries(expected)) {
    expect(features[name], name).toBe(Math.fround(value));
  }
  expect(Object.keys(features)).toEqual(Object.keys(expected));
});

test("a NO position gains where the YES price falls below its entry", () => {
  const view = account();
  view.netLots = -4_000;
  view.averageEntryCc = 5_600;
  expect(encoded(view)["entry_price_offset"]).toBe(Math.fround(0.2));
  expect(encoded(view)["net_position_bias"]).toBe(Math.fround(-0.4));
});

test("an own ask counts from the mid, whichever side of it it stands on", () => {
  const view = account();
  view.hasOpenSell = true;
  view.bestOwnAskCc = 5_400;
  expect(encoded(view)["sell_distance_from_mid"]).toBe(Math.fround(0.3));
  view.bestOwnAskCc = 4_800;
  expect(encoded(view)["sell_distance_from_mid"]).toBe(Math.fround(0.3));
});

test("an account without cash, orders and positions is all zeros", () => {
  expect(Object.values(encoded(createAccountView())).every((value) => value === 0)).toBe(true);
});

test("an order sent in the future is a bug, and so is NaN", () => {
  const view = account();
  view.newestOrderSentUs = view.nowUs + 1;
  expect(() => encoded(view)).toThrow("sent before now");
  const broken = account();
  broken.averageEntryCc = NaN;
  expect(() => encoded(broken)).toThrow("NaN");
});

test("whatever the account, features stay inside their ranges", () => {
  const prng = Prng.fromSeed(SEED).fork("accounts");
  const wild = (): number => Math.round(prng.normal() * 10 ** prng.integer(12));
  for (let round = 0; round < 2_000; round++) {
    const view = account();
    view.midCc2 = prng.integer(20_001);
    view.cashAvailableMicroUsd = wild();
    view.cashLockedMicroUsd = wild();
    view.positionsValueMicroUsd = wild();
    view.positionCount = prng.integer(30);
    view.yesPositionCount = prng.integer(view.positionCount + 1);
    view.positionAbsLotsTotal = Math.abs(wild());
    view.netLots = wild();
    view.maxLossMicroUsd = wild();
    view.unrealizedPnlMicroUsd = wild();
    view.realizedPnlMicroUsd = wild();
    view.peakPvMicroUsd = wild();
    view.averageEntryCc = prng.float() * 10_000;
    view.newestOrderSentUs = prng.integer(1_000_000_001);
    const features = encoded(view);
    for (const { name, low, high } of FEATURES.slice(ACCOUNT_OFFSET, ACCOUNT_OFFSET + 17)) {
      const value = features[name] ?? NaN;
      expect(value >= low && value <= high, `seed ${SEED} round ${round} ${name} ${value}`).toBe(
        true,
      );
    }
  }
});
