/** What `paper` is to do, out of its flags and of what the model was trained with. */
import type { Lots, MicroUsd } from "../../core/index.ts";
import type { LiveSettings } from "../../journal/index.ts";
import type { LivePolicy } from "../../live/index.ts";
import type { Membership } from "../../market/index.ts";
import type { Pricing } from "../../orders/index.ts";
import { episodeSettings, readConfiguration } from "../configuration.ts";
import type { VenueFlags } from "../venue-flags.ts";
import { agentPolicy, baselinePolicy, type Choice, openModel } from "../wire.ts";
import { wrongUsage } from "../wrong-usage.ts";

export interface PaperFlags extends Omit<VenueFlags, "venue"> {
  readonly venue: "local" | "demo" | "shadow";
  readonly model?: string;
  readonly normaliser?: string;
  readonly policy?: string;
  readonly markets?: readonly string[];
  readonly out?: string;
  readonly seconds?: number;
  readonly choice: Choice;
  readonly cadence: "1s" | "event";
  readonly pricing?: Pricing;
  readonly orderContracts?: number;
  readonly positionContracts?: number;
  readonly ordersMax: number;
  readonly budget?: number;
  readonly lossMax?: number;
  readonly staleBook: number;
  readonly reconcile: number;
  readonly membership: Membership;
  readonly seed: number | string;
  /** Of the local exchange. */
  readonly session?: string;
  readonly speed?: number;
  readonly localMarkets?: number;
  readonly cash?: number;
}

export interface Decides {
  readonly name: string;
  readonly modelHash: string | null;
  readonly frames: number;
  readonly choice: Choice;
  readonly makePolicy: () => LivePolicy;
  /** For people. */
  readonly description: string;
}

/** Who decides, and by what settings. Errors are those of `openModel` and of the configuration. */
export async function planOf(
  flags: PaperFlags,
): Promise<{ readonly decides: Decides; readonly settings: LiveSettings }> {
  const { decides, trained } = await decidesOf(flags);
  const { pricing, orderContracts, positionContracts } = flags;
  const asked = {
    episode: { pricing, orderContracts, positionLimitContracts: positionContracts },
  };
  const base = trained === null ? {} : { episode: trained };
  // By themselves first, so that what is wrong with the flags is not blamed on the model.
  readConfiguration(undefined, asked);
  const episode = episodeSettings(readConfiguration(undefined, asked, base));
  const settings: LiveSettings = {
    cadence: flags.cadence,
    pricing: episode.pricing,
    orderSize: episode.orderSize,
    limits: {
      orderSizeMax: episode.orderSize,
      positionLimit: episode.positionLimit as Lots,
      openOrdersMax: flags.ordersMax,
    },
    membership: flags.membership,
    budget: dollars(flags.budget),
    lossMax: dollars(flags.lossMax),
    staleBookUs: Math.round(flags.staleBook * 1_000_000),
    reconcileUs: Math.round(flags.reconcile * 1_000_000),
    frames: decides.frames,
  };
  return { decides, settings };
}

async function decidesOf(
  flags: PaperFlags,
): Promise<{ readonly decides: Decides; readonly trained: Record<string, never> | null }> {
  const { model, policy, normaliser, choice } = flags;
  if ((model === undefined) === (policy === undefined)) {
    throw wrongUsage(
      `expected one of --model <path> and --policy <name>, was ` +
        (model === undefined ? "neither" : "both"),
    );
  }
  if (model === undefined && normaliser !== undefined) {
    throw wrongUsage("--normaliser: expected --model beside it, was none");
  }
  if (model !== undefined) {
    const opened = await openModel({ path: model, normaliser });
    const { modelHash, frames, manifest, description } = opened;
    const configuration = (manifest?.configuration ?? {}) as { episode?: Record<string, never> };
    const makePolicy = (): LivePolicy => agentPolicy(opened, choice);
    const decides = { name: "agent", modelHash, frames, choice, makePolicy, description };
    return { decides, trained: configuration.episode ?? null };
  }
  const baseline = baselinePolicy(policy ?? "");
  if (baseline === undefined) {
    throw wrongUsage(`--policy: expected hold, random or join, was "${policy}"`);
  }
  const { name } = baseline;
  const description = `the rule "${name}"`;
  const makePolicy = (): LivePolicy => baseline;
  const decides = { name, modelHash: null, frames: 1, choice, makePolicy, description };
  return { decides, trained: null };
}

function dollars(amount: number | undefined): MicroUsd | null {
  return amount === undefined ? null : (Math.round(amount * 1_000_000) as MicroUsd);
}
