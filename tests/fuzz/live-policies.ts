/**
 * Policies of a fuzzed run. They stop acting when the world calms down, which no observation shows; so
 * each remembers when it was calm, and a replay is told the same.
 */
import type { LivePolicy } from "../../src/live/index.ts";
import { Action } from "../../src/orders/index.ts";
import type { LivePlan } from "./live-plan.ts";

type Habits = Pick<LivePlan, "policy" | "breaksAt">;

/** What the policies of one run were told, one list a market. */
export type Calms = boolean[][];

/** Makes the policies of a live run, which write down into `calms` what `isCalm` said. */
export function livePolicies(
  habits: Habits,
  isCalm: () => boolean,
  calms: Calms,
): () => LivePolicy {
  return () => {
    const own: boolean[] = [];
    calms.push(own);
    return policyOf(habits, () => {
      const calm = isCalm();
      own.push(calm);
      return calm;
    });
  };
}

/** The same policies for a replay. */
export function replayedPolicies(habits: Habits, calms: Calms): () => LivePolicy {
  let markets = 0;
  return () => {
    const own = calms[markets++] ?? [];
    let next = 0;
    return policyOf(habits, () => own[next++] ?? true);
  };
}

function policyOf({ policy: name, breaksAt }: Habits, isCalm: () => boolean): LivePolicy {
  let decisions = 0;
  return {
    name,
    act: (_observation, mask, prng) => {
      const calm = isCalm();
      decisions += 1;
      if (decisions === breaksAt) throw new Error("the policy breaks");
      if (calm) return Action.hold;
      const allowed = [...mask.keys()].filter((action) => mask[action] === 1);
      const any = allowed[prng.integer(allowed.length)] ?? Action.hold;
      if (name === "random") return any;
      const wanted = name === "bids" ? Action.buyYes : Action.buyNo;
      if (name !== "join") return mask[wanted] === 1 ? wanted : any;
      // Goes in and out by turns, and mostly waits.
      return prng.integer(4) === 0 ? any : Action.hold;
    },
  };
}
