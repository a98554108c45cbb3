/**
 * What a run does between two iterations beside learning: it evaluates on held-out data, keeps the
 * best model, ends early, raises alarms. All of it looks on; none of it changes what is learnt.
 */
import { assert, OperationError } from "../core/index.ts";
import {
  type Alarm,
  AlarmLog,
  type AlarmState,
  type IterationReport,
  Policy,
  type PpoTrainer,
} from "../learn/index.ts";
import { HeldOut, type HeldOutOptions, type HeldOutState } from "./held-out.ts";

export interface CallbackOptions {
  /** Evaluation on held-out data; null for none. */
  readonly heldOut: HeldOutOptions | null;
  /** Whether signs of a run that goes wrong are looked for. */
  readonly alarms: boolean;
  /** Iterations between checkpoints; null for about every twenty seconds. */
  readonly checkpointEvery: number | null;
}

export const NO_CALLBACKS: CallbackOptions = { heldOut: null, alarms: true, checkpointEvery: null };

/** What callbacks add to an iteration's metrics. */
export interface CallbackMetrics {
  /** Mean return on held-out data with its interval; null where the iteration had no evaluation. */
  readonly heldOutReturn: number | null;
  readonly heldOutLow: number | null;
  readonly heldOutHigh: number | null;
  /** Kinds of alarms that hold. */
  readonly alarms: readonly string[];
}

/** What callbacks remember between two iterations; plain data. */
export interface CallbackState {
  readonly heldOut: HeldOutState | null;
  readonly alarms: AlarmState;
}

export interface Observed {
  readonly metrics: CallbackMetrics;
  /** Alarms that did not hold for a good while before. */
  readonly news: readonly Alarm[];
  readonly wasEvaluated: boolean;
  /** Whether the model is the best so far and is to be kept as such. */
  readonly isBest: boolean;
}

/** Of actions and of the observation's columns; empty where they have none. */
export interface Names {
  readonly actions: readonly string[];
  readonly features: readonly string[];
  /** Of the columns those of which no alarm says that they never vary. */
  readonly calm?: readonly string[];
}

/** Iterations between two looks at hidden units, which cost more than the rest. */
const UNITS_EVERY = 10;

export class Callbacks {
  readonly #options: CallbackOptions;
  readonly #names: Names;
  readonly #heldOut: HeldOut | null;
  #alarms = new AlarmLog();

  constructor(options: CallbackOptions, names: Names) {
    this.#options = options;
    this.#names = names;
    this.#heldOut = options.heldOut === null ? null : new HeldOut(options.heldOut);
  }

  /** Looks at the iteration that `report` is of; `before` are the steps before it. */
  async observe(report: IterationReport, before: number, trainer: PpoTrainer): Promise<Observed> {
    const news = this.#options.alarms ? this.#raise(report, trainer) : [];
    const heldOut = this.#heldOut;
    const isDue = heldOut !== null && heldOut.isDue(before, report.steps, trainer.isDone);
    const judged = isDue ? await heldOut.judge(policyOf(trainer), report.steps) : null;
    const { mean = null, low = null, high = null } = judged?.result ?? {};
    return {
      metrics: {
        heldOutReturn: mean,
        heldOutLow: low,
        heldOutHigh: high,
        alarms: this.#alarms.active,
      },
      news,
      wasEvaluated: judged !== null,
      isBest: judged?.isBest === true && this.#options.heldOut?.keepBest === true,
    };
  }

  #raise(report: IterationReport, trainer: PpoTrainer): Alarm[] {
    return this.#alarms.look({
      report,
      observations: trainer.lastObservations,
      isNormalised: trainer.settings.normaliseObservations,
      shape: trainer.shape,
      params: report.iteration % UNITS_EVERY === 0 ? trainer.params : null,
      names: this.#names,
    });
  }

  /** Whether the run is to end although it is not done. */
  get wantsEnd(): boolean {
    return this.#heldOut?.isOver === true;
  }

  get state(): CallbackState {
    return { heldOut: this.#heldOut?.state ?? null, alarms: this.#alarms.state };
  }

  /**
   * Goes on from `state`, of the checkpoint at `path`. `CHECKPOINT_HELD_OUT` where the run was
   * evaluated on other data, which its best result could not be compared with.
   */
  restore(state: CallbackState, path: string): void {
    this.#alarms = new AlarmLog(state.alarms);
    if (state.heldOut === null || state.heldOut.evaluations === 0) return;
    if (state.heldOut.identity !== this.#options.heldOut?.identity) {
      throw new OperationError(
        "CHECKPOINT_HELD_OUT",
        `${path}: expected the held-out data and episodes that the run was evaluated on before, ` +
          `was ${this.#options.heldOut === null ? "none" : "others"}; name the same with ` +
          `--evaluate-on, or start a new run`,
      );
    }
    assert(this.#heldOut !== null, "held-out options make a held-out evaluation");
    this.#heldOut.restore(state.heldOut);
  }

  /** What a manifest says of it: alarms that there were, the best result. */
  get summary(): object {
    const alarms = this.#alarms.state.accounts.map(({ kind, firstSteps, iterations }) => ({
      kind,
      firstSteps,
      iterations,
    }));
    if (this.#heldOut === null) return { alarms };
    const { evaluations, best } = this.#heldOut.state;
    const { sessions } = this.#options.heldOut ?? {};
    return { alarms, heldOut: { sessions, evaluations, best } };
  }
}

function policyOf({ shape, params, normaliser }: PpoTrainer): Policy {
  return Policy.ofNetwork(shape, params, normaliser);
}
