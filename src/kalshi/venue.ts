/**
 * Where requests may go: Kalshi's demo exchange and exchanges on this machine, and nothing else. A
 * `Venue` can only be made by `openVenue`, and everything that reads a key or opens a connection asks
 * for one, so that a production host is refused before any key is read.
 * Source: docs.kalshi.com, page "API environments" (demo hosts end in kalshi.co).
 */
import { OperationError } from "../core/index.ts";

declare const allowed: unique symbol;
export interface Venue {
  /** Ends in the path prefix `/trade-api/v2`, without a slash behind it. */
  readonly restUrl: string;
  readonly wsUrl: string;
  /** True for an exchange on this machine. */
  readonly isLocal: boolean;
  readonly [allowed]: true;
}

export interface VenueAddresses {
  readonly restUrl: string;
  readonly wsUrl: string;
}

/** The recommended hosts of Kalshi's demo exchange. */
export const DEMO_ADDRESSES: VenueAddresses = {
  restUrl: "https://external-api.demo.kalshi.co/trade-api/v2",
  wsUrl: "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
};

/** Checks addresses; `VENUE_ADDRESS` where they are malformed, `VENUE_REFUSED` for another host. */
export function openVenue(addresses: VenueAddresses): Venue {
  const rest = checkedUrl(addresses.restUrl, "http", "the REST address");
  const ws = checkedUrl(addresses.wsUrl, "ws", "the WebSocket address");
  const isLocal = isLoopback(rest.hostname);
  if (isLocal !== isLoopback(ws.hostname)) {
    throw new OperationError(
      "VENUE_REFUSED",
      `expected both addresses on this machine or both of the demo exchange, was ` +
        `${rest.hostname} and ${ws.hostname}`,
    );
  }
  return {
    restUrl: rest.href.replace(/\/+$/, ""),
    wsUrl: ws.href.replace(/\/+$/, ""),
    isLocal,
  } as Venue;
}

function checkedUrl(text: string, scheme: "http" | "ws", what: string): URL {
  if (!URL.canParse(text)) {
    throw new OperationError(
      "VENUE_ADDRESS",
      `${what}: expected an address such as ${scheme}s://host/path, was ${JSON.stringify(text)}`,
    );
  }
  const url = new URL(text);
  // An address is repeated in messages and logs: nothing secret may be in it.
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new OperationError(
      "VENUE_ADDRESS",
      `${what}: expected an address without user, query and fragment, was one with them`,
    );
  }
  const isHere = isLoopback(url.hostname);
  if (!isHere) refuseOthers(url, what);
  const schemes = isHere ? [scheme, `${scheme}s`] : [`${scheme}s`];
  if (schemes.some((each) => url.protocol === `${each}:`)) return url;
  const beginnings = schemes.map((each) => `${each}://`).join(" or ");
  throw new OperationError(
    "VENUE_ADDRESS",
    `${what}: expected it to begin with ${beginnings}, was ${url.protocol}//`,
  );
}

function refuseOthers(url: URL, what: string): void {
  const host = url.hostname;
  if (host === "demo-api.kalshi.co" || host.endsWith(".demo.kalshi.co")) return;
  // A dot behind a name says that it is whole: it is the same host.
  const production = /(^|\.)kalshi\.com\.?$/.test(host);
  throw new OperationError(
    "VENUE_REFUSED",
    production
      ? `${what}: ${host} is a production host, and only Kalshi's demo exchange and exchanges on ` +
          `this machine are traded on; use ${DEMO_ADDRESSES.restUrl}`
      : `${what}: expected a host of Kalshi's demo exchange (*.demo.kalshi.co) or of this machine, ` +
          `was ${host}`,
  );
}

/** URL parsing has already brought every spelling of an IPv4 address into four decimal parts. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
