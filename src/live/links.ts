/** The ways to the venue, each up or down by itself. */
import type { LinkName } from "../journal/index.ts";

export const LINKS: readonly LinkName[] = ["feed", "account feed", "rest", "exchange"];

export interface LinkState {
  readonly isUp: boolean;
  readonly why: string;
  readonly sinceUs: number;
}

export class Links {
  readonly all = new Map<LinkName, LinkState>(
    LINKS.map((name) => [name, { isUp: false, why: "not tried", sinceUs: 0 }]),
  );

  /** Takes in how a way is now; false where it was so before. */
  set(name: LinkName, state: LinkState): boolean {
    const before = this.all.get(name);
    this.all.set(name, state);
    return before?.isUp !== state.isUp;
  }

  /** Ways that are down and may not be, in words. */
  down(mayBeDown: (name: LinkName) => boolean): string[] {
    return [...this.all]
      .filter(([name, { isUp }]) => !isUp && !mayBeDown(name))
      .map(([name, { why }]) => `${name} (${why})`);
  }
}
