/** The markets of a live run; those of an exclusive event see each other, as in a recording. */
import { type EventClock, EventGroup } from "../features/index.ts";
import type { LiveHeader } from "../journal/index.ts";
import { LiveMarket, type RunListener } from "./live-market.ts";

export function openMarkets(
  { markets, events }: LiveHeader,
  clock: EventClock,
  listener: RunListener | null,
): LiveMarket[] {
  const groups = new Map<string, EventGroup>();
  for (const event of events) {
    if (event.exclusive) groups.set(event.eventTicker, new EventGroup(event));
  }
  return markets.map((info, index) => {
    const group = groups.get(info.eventTicker) ?? null;
    return new LiveMarket({ index, info, clock, group, listener });
  });
}
