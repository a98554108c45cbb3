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

  /** Takes in how a way is now; false where it was so before, and since then. */
  set(name: LinkName, { isUp, why, sinceUs }: LinkState): boolean {
    const before = this.all.get(name);
    const isNew = before?.isUp !== isUp;
    this.all.set(name, { isUp, why, sinceUs: isNew ? sinceUs : before.sinceUs });
    return isNew;
  }

  /** Ways that are down; feeds only where they have been for `feedUsMax` or longer. */
  missing(nowUs: number, feedUsMax: number): { name: LinkName; why: string }[] {
    const isMissing = (name: LinkName, { isUp, sinceUs }: LinkState): boolean => {
      const isFeed = name === "feed" || name === "account feed";
      return !isUp && !(isFeed && nowUs - sinceUs < feedUsMax);
    };
    return [...this.all]
      .filter(([name, state]) => isMissing(name, state))
      .map(([name, { why }]) => ({ name, why }));
  }
}
