/**
 * The numbers behind generated markets. Every figure here was set by comparing generated sessions
 * with recorded ones (`docs/generator.md` has the table); none is copied from a recording.
 */

/** How news comes: the latent game. */
export interface GameProfile {
  /** Longest live part, in minutes; a longer session begins with a quiet time before the game. */
  readonly liveMinutes: number;
  /** Share of a session that is live at most. */
  readonly liveShare: number;
  /** Mean length of a stretch of play and of a break, in seconds. */
  readonly playSeconds: number;
  readonly breakSeconds: number;
  /** Mean time between scores in play, in seconds. */
  readonly scoreSeconds: number;
  /** Lead changes of a score (less what was expected of it), with their probabilities. */
  readonly scores: readonly (readonly [change: number, probability: number])[];
  /** Mean time between small moves in play, in seconds, and their deviation in points. */
  readonly moveSeconds: number;
  readonly movePoints: number;
  /** The first fair price is drawn evenly between these. */
  readonly openFrom: number;
  readonly openTo: number;
}

/** How people trade in one market. Rates are per second of play at activity 1. */
export interface CrowdProfile {
  /** Number of makers of each style. */
  readonly tightMakers: number;
  readonly ladderMakers: number;
  readonly farMakers: number;
  /** Times per second that a maker looks at its quotes without news. */
  readonly makerRate: number;
  readonly noiseTakerRate: number;
  readonly informedTakerRate: number;
  readonly patientRate: number;
  /** Mean lifetime of a patient trader's order, in seconds. */
  readonly patientSeconds: number;
  /** Activity before the game, in breaks, in play, and what one cent of news adds at its height. */
  readonly quietActivity: number;
  readonly breakActivity: number;
  readonly newsActivity: number;
  /** Factor on the spreads that makers quote. */
  readonly spreadScale: number;
  /** Factor on the sizes of makers, and the median of takers' sizes in contracts. */
  readonly makerScale: number;
  readonly takerMedian: number;
}

export interface Profile {
  readonly game: GameProfile;
  readonly crowd: CrowdProfile;
  readonly seriesTicker: string;
}

export type ProfileName = "basketball" | "fight" | "quiet";

const BASKETBALL_GAME: GameProfile = {
  liveMinutes: 140,
  liveShare: 1,
  playSeconds: 150,
  breakSeconds: 70,
  scoreSeconds: 17,
  // 3, 2, 1 and 0 points of a possession that is worth 1.05 on average.
  scores: [
    [1.95, 0.13],
    [0.95, 0.3],
    [-0.05, 0.06],
    [-1.05, 0.51],
  ],
  moveSeconds: 4,
  movePoints: 0.2,
  openFrom: 0.15,
  openTo: 0.85,
};

const BASKETBALL_CROWD: CrowdProfile = {
  tightMakers: 4,
  ladderMakers: 2,
  farMakers: 1,
  makerRate: 0.2,
  noiseTakerRate: 1.1,
  informedTakerRate: 0.3,
  patientRate: 0.35,
  patientSeconds: 25,
  quietActivity: 0.06,
  breakActivity: 0.3,
  newsActivity: 0.6,
  spreadScale: 1,
  makerScale: 1,
  takerMedian: 45,
};

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  basketball: { game: BASKETBALL_GAME, crowd: BASKETBALL_CROWD, seriesTicker: "KXSAMPLEGAME" },
  fight: {
    game: {
      liveMinutes: 25,
      liveShare: 0.7,
      playSeconds: 300,
      breakSeconds: 60,
      scoreSeconds: 11,
      scores: [
        [2.4, 0.12],
        [0.7, 0.35],
        [-1, 0.533],
      ],
      moveSeconds: 2,
      movePoints: 0.3,
      openFrom: 0.25,
      openTo: 0.75,
    },
    crowd: {
      ...BASKETBALL_CROWD,
      tightMakers: 6,
      ladderMakers: 3,
      farMakers: 1,
      spreadScale: 2,
      makerScale: 0.04,
      takerMedian: 20,
      noiseTakerRate: 1.6,
    },
    seriesTicker: "KXSAMPLEFIGHT",
  },
  quiet: {
    game: { ...BASKETBALL_GAME, liveMinutes: 0, liveShare: 0 },
    crowd: { ...BASKETBALL_CROWD, makerScale: 4 },
    seriesTicker: "KXSAMPLEGAME",
  },
};

/** Sizes in contracts that makers like: those with deep pockets, and the others. */
export const DEEP_SIZES: readonly number[] = [15_000, 30_000, 23_000, 15_000, 7_500, 2_500];
export const THIN_SIZES: readonly number[] = [65, 30, 1_000, 150, 300, 500];

/** Sizes in contracts that patient traders like. */
export const PATIENT_SIZES: readonly number[] = [
  1, 5, 10, 20, 25, 50, 100, 100, 200, 250, 500, 1_000,
];
