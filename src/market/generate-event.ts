/**
 * One generated event: a game, and two markets on it of which exactly one pays. Everyone in both
 * markets looks at the same game; an arbitrageur keeps the two books coherent. Discrete events in
 * microseconds: the actor who is due next acts, the one listed first on a tie.
 */
import { type Prng, US_PER_SECOND } from "../core/index.ts";
import { type BookSink, GeneratedBook } from "./generate-book.ts";
import {
  type Actor,
  type ActorOptions,
  InformedTaker,
  NoiseTaker,
  PatientCrowd,
} from "./generate-crowd.ts";
import { Maker, type MakerStyle, type Surroundings } from "./generate-makers.ts";
import { drawGame, type GamePath, Phase } from "./generate-news.ts";
import type { CrowdProfile, Profile } from "./generate-profile.ts";
import { BookSide } from "./tape.ts";

/** Seconds over which the excitement about news fades. */
const FADE_SECONDS = 4;

export class GeneratedEvent {
  readonly game: GamePath;
  readonly books: readonly [GeneratedBook, GeneratedBook];
  readonly #crowd: CrowdProfile;
  readonly #actors: Actor[] = [];
  /** Index of the last news that have happened. */
  #newsIndex = 0;
  #nowUs: number;
  #excitement = 0;
  #excitedUs: number;

  constructor(options: {
    readonly prng: Prng;
    readonly profile: Profile;
    readonly sinks: readonly [BookSink, BookSink];
    readonly startUs: number;
    readonly whistleUs: number;
  }) {
    const { prng, profile, sinks, startUs, whistleUs } = options;
    this.game = drawGame(prng.fork("game"), profile.game, startUs, whistleUs);
    this.#crowd = profile.crowd;
    this.#nowUs = startUs;
    this.#excitedUs = startUs;
    this.books = [new GeneratedBook(sinks[0]), new GeneratedBook(sinks[1])];
    this.books.forEach((book, index) => {
      this.#populate(prng.fork(`market ${index}`), book, index === 0, startUs);
    });
    this.#actors.push(new Arbitrageur(prng.fork("arbitrage"), this.books, startUs));
    for (const book of this.books) book.open();
  }

  /** When something happens next. */
  get nextUs(): number {
    let next = this.game.news[this.#newsIndex + 1]?.atUs ?? Infinity;
    for (const actor of this.#actors) if (actor.nextUs < next) next = actor.nextUs;
    return next;
  }

  /** Lets happen what happens next, at `nextUs`. */
  step(): void {
    const news = this.game.news[this.#newsIndex + 1];
    let due: Actor | null = null;
    let dueUs = news?.atUs ?? Infinity;
    for (const actor of this.#actors) {
      if (actor.nextUs < dueUs) {
        due = actor;
        dueUs = actor.nextUs;
      }
    }
    this.#nowUs = dueUs;
    if (due !== null) due.act(dueUs);
    else this.#happen();
  }

  /** The next news happen: excitement rises with the size of the move, and everyone hears. */
  #happen(): void {
    const before = this.game.news[this.#newsIndex];
    this.#newsIndex += 1;
    const news = this.game.news[this.#newsIndex];
    if (before === undefined || news === undefined) return;
    const moved = Math.abs(news.fair - before.fair) * 100;
    this.#excitement = Math.min(6, this.#excited() + moved * this.#crowd.newsActivity);
    this.#excitedUs = news.atUs;
    for (const actor of this.#actors) actor.hear(news.atUs);
  }

  #excited(): number {
    const seconds = (this.#nowUs - this.#excitedUs) / US_PER_SECOND;
    const rest = 1 - seconds / FADE_SECONDS;
    return rest > 0 ? this.#excitement * rest * rest : 0;
  }

  #activity(): number {
    const phase = this.game.news[this.#newsIndex]?.phase ?? Phase.quiet;
    const { quietActivity, breakActivity } = this.#crowd;
    const base = phase === Phase.play ? 1 : phase === Phase.quiet ? quietActivity : breakActivity;
    return base + this.#excited();
  }

  #fairCents(latencyUs: number, first: boolean): number {
    const news = this.game.news;
    let index = this.#newsIndex;
    while (index > 0 && (news[index]?.atUs ?? 0) > this.#nowUs - latencyUs) index -= 1;
    const fair = news[index]?.fair ?? 0.5;
    return 100 * (first ? fair : 1 - fair);
  }

  #populate(prng: Prng, book: GeneratedBook, first: boolean, startUs: number): void {
    const crowd = this.#crowd;
    const around: Surroundings = {
      fairCents: (latencyUs) => this.#fairCents(latencyUs, first),
      activity: () => this.#activity(),
    };
    const options: ActorOptions = { crowd, book, around, startUs };
    const styles: readonly (readonly [MakerStyle, number])[] = [
      ["far", crowd.farMakers],
      ["ladder", crowd.ladderMakers],
      ["tight", crowd.tightMakers],
    ];
    for (const [style, count] of styles) {
      for (let index = 0; index < count; index++) {
        const fork = prng.fork(`${style} ${index}`);
        const maker = new Maker(fork, { ...options, style, deep: index % 2 === 0 });
        maker.open(startUs);
        this.#actors.push(maker);
      }
    }
    const patient = new PatientCrowd(prng.fork("patient"), options);
    patient.open(startUs);
    this.#actors.push(
      patient,
      new NoiseTaker(prng.fork("noise"), options),
      new InformedTaker(prng.fork("informed"), options),
    );
  }
}

/** Sells both markets for more than a dollar, or buys both for less. */
class Arbitrageur implements Actor {
  nextUs: number;
  readonly #prng: Prng;
  readonly #books: readonly [GeneratedBook, GeneratedBook];

  constructor(prng: Prng, books: readonly [GeneratedBook, GeneratedBook], startUs: number) {
    this.#prng = prng;
    this.#books = books;
    this.nextUs = startUs;
  }

  hear(): void {
    // It looks all the time anyway.
  }

  act(atUs: number): void {
    const [a, b] = this.#books;
    this.nextUs = atUs + Math.ceil(this.#prng.exponential() * 0.3 * US_PER_SECOND);
    if (a.bestBid + b.bestBid > 101 && a.bestBid > 0 && b.bestBid > 0) {
      const size = Math.min(a.sizeAt(BookSide.bid, a.bestBid), b.sizeAt(BookSide.bid, b.bestBid));
      a.take(BookSide.bid, a.bestBid, size, atUs);
      b.take(BookSide.bid, b.bestBid, size, atUs);
    } else if (a.bestAsk + b.bestAsk < 99 && a.bestAsk < 100 && b.bestAsk < 100) {
      const size = Math.min(a.sizeAt(BookSide.ask, a.bestAsk), b.sizeAt(BookSide.ask, b.bestAsk));
      a.take(BookSide.ask, a.bestAsk, size, atUs);
      b.take(BookSide.ask, b.bestAsk, size, atUs);
    }
  }
}
