/**
 * The latent game behind a generated event: a lead that scores and small turns of play move, and
 * the fair price that follows from the lead and from how much can still happen. When nothing is
 * left to happen the fair price is 1 or 0, which is the result.
 *
 * The schedule of moves is drawn first, so that the variance still to come is known at every
 * moment; the fair price logistic(1.702 lead / sqrt(variance to come)) is then close to a
 * martingale (the logistic stands for the normal distribution, Camilli 1994), as a price should be.
 */
import { assert, exp, ln, type Prng, US_PER_SECOND } from "../core/index.ts";
import type { GameProfile } from "./generate-profile.ts";

/** Phases of a game, by how much is going on. */
export const Phase = { quiet: 0, pause: 1, play: 2, over: 3 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** One moment at which something changes; between two of them all stays as it was. */
export interface News {
  readonly atUs: number;
  readonly phase: Phase;
  /** Probability that the first team wins, as one who saw everything would put it. */
  readonly fair: number;
}

export interface GamePath {
  /** Ascending in time; the first stands at the start of the session. */
  readonly news: readonly News[];
  readonly result: "yes" | "no";
  /** Whether the game ended within the session. */
  readonly ended: boolean;
}

/** One move of the lead in the making. */
interface Move {
  readonly atUs: number;
  readonly phase: Phase;
  readonly change: number;
  readonly variance: number;
}

/** Draws a game whose news lie from `startUs` to `whistleUs`. */
export function drawGame(
  prng: Prng,
  game: GameProfile,
  startUs: number,
  whistleUs: number,
): GamePath {
  const seconds = (whistleUs - startUs) / US_PER_SECOND;
  assert(seconds > 0, "a game has a duration");
  const liveSeconds = Math.min(game.liveMinutes * 60, seconds * game.liveShare);
  const moves: Move[] = [];
  const tipOffUs = Math.round(whistleUs - liveSeconds * US_PER_SECOND);
  drawQuiet(prng.fork("quiet"), moves, startUs, tipOffUs);
  if (liveSeconds > 0) drawPlay(prng.fork("play"), game, moves, tipOffUs, whistleUs);
  const opening = game.openFrom + (game.openTo - game.openFrom) * prng.fork("opening").float();
  return priceMoves(moves, opening, startUs, liveSeconds > 0 ? whistleUs : null, prng.fork("end"));
}

/** Before the game: a rumour every two minutes. */
function drawQuiet(prng: Prng, moves: Move[], fromUs: number, toUs: number): void {
  let atUs = fromUs;
  for (;;) {
    atUs += Math.ceil(prng.exponential() * 120 * US_PER_SECOND);
    if (atUs >= toUs) return;
    moves.push({ atUs, phase: Phase.quiet, change: 0.15 * prng.normal(), variance: 0.0225 });
  }
}

/** The game: stretches of play with scores by turns and small moves, and breaks between them. */
function drawPlay(
  prng: Prng,
  game: GameProfile,
  moves: Move[],
  fromUs: number,
  toUs: number,
): void {
  const scoreVariance = game.scores.reduce((sum, [change, p]) => sum + change * change * p, 0);
  const moveVariance = game.movePoints * game.movePoints;
  let atUs = fromUs;
  let turn = 1;
  while (atUs < toUs) {
    const pauseUs = atUs + Math.ceil((0.5 + prng.float()) * game.playSeconds * US_PER_SECOND);
    moves.push({ atUs, phase: Phase.play, change: 0, variance: 0 });
    let scoreUs = atUs + scoreDelay(prng, game);
    while (atUs < pauseUs) {
      const moveUs = atUs + Math.ceil(prng.exponential() * game.moveSeconds * US_PER_SECOND);
      const scores = scoreUs <= moveUs;
      atUs = scores ? scoreUs : moveUs;
      if (atUs >= toUs) return;
      if (scores) {
        const change = turn * drawScore(prng, game);
        moves.push({ atUs, phase: Phase.play, change, variance: scoreVariance });
        turn = -turn;
        scoreUs = atUs + scoreDelay(prng, game);
      } else {
        const change = game.movePoints * prng.normal();
        moves.push({ atUs, phase: Phase.play, change, variance: moveVariance });
      }
    }
    moves.push({ atUs, phase: Phase.pause, change: 0, variance: 0 });
    atUs += Math.ceil((0.3 + 1.4 * prng.float()) * game.breakSeconds * US_PER_SECOND);
  }
}

function scoreDelay(prng: Prng, game: GameProfile): number {
  // At least a fifth of the mean, so that scores do not pile up.
  return Math.ceil((0.2 + 0.8 * prng.exponential()) * game.scoreSeconds * US_PER_SECOND);
}

function drawScore(prng: Prng, game: GameProfile): number {
  const expected = game.scores.reduce((sum, [change, p]) => sum + change * p, 0);
  let left = prng.float();
  for (const [change, probability] of game.scores) {
    left -= probability;
    if (left < 0) return change - expected;
  }
  return (game.scores.at(-1)?.[0] ?? 0) - expected;
}

/** Turns moves into prices: the lead so far against the variance still to come. */
function priceMoves(
  moves: readonly Move[],
  opening: number,
  startUs: number,
  whistleUs: number | null,
  prng: Prng,
): GamePath {
  // A game that is not played within the session still lies ahead, with its variance.
  let variance = whistleUs === null ? 250 : 0.3;
  for (const move of moves) variance += move.variance;
  let lead = (ln(opening / (1 - opening)) / 1.702) * Math.sqrt(variance);
  // Play opens with a move of nothing at its very start; whatever is before that is quiet.
  const first =
    moves[0]?.phase === Phase.play && moves[0].atUs <= startUs ? Phase.play : Phase.quiet;
  const news: News[] = [{ atUs: startUs, phase: first, fair: opening }];
  for (const move of moves) {
    lead += move.change;
    variance -= move.variance;
    const fair = 1 / (1 + exp((-1.702 * lead) / Math.sqrt(variance)));
    news.push({ atUs: Math.max(move.atUs, startUs), phase: move.phase, fair });
  }
  const last = news.at(-1)?.fair ?? opening;
  const yes = prng.float() < last;
  if (whistleUs !== null) news.push({ atUs: whistleUs, phase: Phase.over, fair: yes ? 1 : 0 });
  return { news, result: yes ? "yes" : "no", ended: whistleUs !== null };
}
