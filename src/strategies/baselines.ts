/**
 * Policies without learning, by which learned ones are measured. Each sees what an agent sees, the
 * observation and the mask, and keeps no state of its own.
 */
import { assert, type Prng } from "../core/index.ts";
import { FEATURE_NAMES } from "../features/index.ts";
import { Action, ACTION_COUNT } from "../orders/index.ts";

/** A policy over the five actions: observation [52] and mask [5] in, an allowed action out. */
export interface ActionPolicy {
  readonly name: string;
  act(observation: Float32Array, mask: Uint8Array, prng: Prng): Action;
}

function featureIndex(name: string): number {
  const index = (FEATURE_NAMES as readonly string[]).indexOf(name);
  assert(index >= 0, "the feature is in the schema");
  return index;
}

const HAS_OPEN_BUY = featureIndex("has_open_buy");
const HAS_OPEN_SELL = featureIndex("has_open_sell");
const NET_POSITION = featureIndex("net_position_bias");

/** Never trades: what is gained by staying out. */
export const HOLD: ActionPolicy = { name: "hold", act: () => Action.hold };

/** Any allowed action, each as likely as the others. */
export const RANDOM: ActionPolicy = {
  name: "random",
  act: (_observation, mask, prng) => {
    let allowed = 0;
    for (let action = 0; action < ACTION_COUNT; action++) allowed += mask[action] as number;
    let pick = prng.integer(allowed);
    for (let action = 0; action < ACTION_COUNT; action++) {
      if (mask[action] === 1 && pick-- === 0) return action as Action;
    }
    return Action.hold;
  },
};

/**
 * Joins the bid and the ask in turn: from flat it works an order on a side chosen by a coin, and
 * with a position it offers what it holds at the other side's best price.
 */
export const JOIN: ActionPolicy = {
  name: "join",
  act: (observation, mask, prng) => {
    const net = observation[NET_POSITION] as number;
    let wanted: Action;
    if (net > 0) wanted = Action.sellYes;
    else if (net < 0) wanted = Action.sellNo;
    else if (observation[HAS_OPEN_BUY] === 1) wanted = Action.buyYes;
    else if (observation[HAS_OPEN_SELL] === 1) wanted = Action.buyNo;
    else wanted = prng.integer(2) === 0 ? Action.buyYes : Action.buyNo;
    return mask[wanted] === 1 ? wanted : Action.hold;
  },
};

export const BASELINES: readonly ActionPolicy[] = [HOLD, RANDOM, JOIN];
