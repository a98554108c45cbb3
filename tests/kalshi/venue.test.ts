import { expect, test } from "vitest";
import { OperationError } from "../../src/core/index.ts";
import { DEMO_ADDRESSES, openVenue } from "../../src/kalshi/index.ts";

const LOCAL_WS = "ws://127.0.0.1:9001/trade-api/ws/v2";
const local = (restUrl: string): string => openVenue({ restUrl, wsUrl: LOCAL_WS }).restUrl;

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof OperationError) return error.code;
    throw error;
  }
  return "none";
}

test("the demo exchange's four hosts are allowed, over TLS alone", () => {
  expect(openVenue(DEMO_ADDRESSES).isLocal).toBe(false);
  const older = {
    restUrl: "https://demo-api.kalshi.co/trade-api/v2/",
    wsUrl: "wss://demo-api.kalshi.co/trade-api/ws/v2",
  };
  expect(openVenue(older).restUrl).toBe("https://demo-api.kalshi.co/trade-api/v2");
  const plain = { ...older, restUrl: older.restUrl.replace("https", "http") };
  expect(codeOf(() => openVenue(plain))).toBe("VENUE_ADDRESS");
});

test.each([
  "https://external-api.kalshi.com/trade-api/v2",
  "https://api.elections.kalshi.com/trade-api/v2",
  "https://EXTERNAL-API.KALSHI.COM/trade-api/v2",
  "https://kalshi.com",
  "https://external-api.kalshi.com./trade-api/v2",
])("a production host is refused by name: %s", (restUrl) => {
  expect(() => openVenue({ ...DEMO_ADDRESSES, restUrl })).toThrow(/is a production host/);
});

test.each([
  "https://kalshi.co/trade-api/v2",
  "https://api.kalshi.co/trade-api/v2",
  "https://demo-api.kalshi.co.example.org/",
  "https://evil-demo-api.kalshi.co/",
  "https://xdemo.kalshi.co/",
  "https://127.0.0.1.example.org/",
  "https://10.0.0.1/",
  "https://0.0.0.0/",
  "https://[::ffff:10.0.0.1]/",
  "https://external-api.demo.kalshi.co./trade-api/v2",
])("any other host is refused: %s", (restUrl) => {
  expect(codeOf(() => openVenue({ ...DEMO_ADDRESSES, restUrl }))).toBe("VENUE_REFUSED");
});

test("every spelling of this machine is allowed, also without TLS", () => {
  expect(local("http://127.0.0.1:9000/trade-api/v2")).toBe("http://127.0.0.1:9000/trade-api/v2");
  expect(local("http://127.1:9000/x")).toBe("http://127.0.0.1:9000/x");
  expect(local("http://2130706433/x")).toBe("http://127.0.0.1/x");
  expect(local("http://[::1]:9000/x")).toBe("http://[::1]:9000/x");
  expect(local("https://localhost:9000/x")).toBe("https://localhost:9000/x");
});

test("an address of another protocol is told which there are", () => {
  const ws = { restUrl: "http://127.0.0.1/x", wsUrl: "ftp://127.0.0.1/x" };
  expect(() => local("ftp://127.0.0.1/x")).toThrow(/begin with http:\/\/ or https:\/\/, was ftp:/);
  expect(() => openVenue(ws)).toThrow(/begin with ws:\/\/ or wss:\/\/, was ftp:/);
  // Beyond this machine nothing goes without TLS.
  const plain = DEMO_ADDRESSES.restUrl.replace("https", "http");
  expect(() => local(plain)).toThrow(/begin with https:\/\/, was http:/);
});

test("demo and local are not mixed, and an address holds no secrets", () => {
  expect(codeOf(() => openVenue({ ...DEMO_ADDRESSES, wsUrl: LOCAL_WS }))).toBe("VENUE_REFUSED");
  expect(codeOf(() => local("http://user:secret@127.0.0.1/x"))).toBe("VENUE_ADDRESS");
  expect(codeOf(() => local("http://127.0.0.1/x?token=secret"))).toBe("VENUE_ADDRESS");
  expect(codeOf(() => local("ftp://127.0.0.1/x"))).toBe("VENUE_ADDRESS");
  expect(codeOf(() => local("not an address"))).toBe("VENUE_ADDRESS");
  expect(codeOf(() => local(""))).toBe("VENUE_ADDRESS");
});
