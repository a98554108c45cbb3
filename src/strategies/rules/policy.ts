/**
 * A policy over the five actions as a strategy: learned ones, and the environment's own baselines.
 * Each market has its own policy, because policies may remember what they saw.
 */
import { FEATURE_COUNT } from "../../features/index.ts";
import type { EvaluatedPolicy } from "../../learn/index.ts";
import { type Action, ACTION_COUNT } from "../../orders/index.ts";
import { defineStrategy, type StrategyDefinition } from "../strategy-options.ts";

/** `makePolicy` gives a policy that has seen nothing. */
export function policyStrategy(
  name: string,
  description: string,
  makePolicy: () => EvaluatedPolicy,
): StrategyDefinition {
  return defineStrategy({
    name,
    description,
    options: {},
    usesFeatures: true,
    make: (_options, { markets, prng }) => {
      const policies = markets.map(makePolicy);
      for (const policy of policies) policy.begin?.();
      const observation = new Float32Array(FEATURE_COUNT);
      const mask = new Uint8Array(ACTION_COUNT);
      return {
        decide(view, desk) {
          for (const market of view.due) {
            if (!view.observe(market, observation)) continue;
            desk.mask(market, mask);
            const policy = policies[market.index] as EvaluatedPolicy;
            desk.act(policy.act(observation, mask, prng) as Action, market);
          }
        },
      };
    },
  });
}
