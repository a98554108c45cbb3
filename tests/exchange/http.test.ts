/** Answers as HTTP wants them (RFC 9110), byte by byte on a real socket. */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEY_ID, RSA, ServedCase, TICKER } from "./served-case.ts";
import { signedHeaders } from "./signed-case.ts";

const PREFIX = "/trade-api/v2";
let at: ServedCase;

beforeAll(async () => {
  at = await ServedCase.open();
  at.crowd("bid", 44, 10);
});

afterAll(() => at.server.close());

function request(method: string, path: string, isLast: boolean, isSigned = true): string {
  const signed = signedHeaders(RSA.privateKey, KEY_ID, method, PREFIX + path);
  const headers = {
    host: "x",
    ...(isSigned ? signed : {}),
    ...(isLast ? { connection: "close" } : {}),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${PREFIX}${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Sends two requests on one connection; head and rest of what comes back. */
function exchange(first: string, second: string): Promise<{ head: string; rest: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(at.server.rest).port), "127.0.0.1");
    let told = "";
    socket.on("data", (data: Buffer) => (told += data.toString()));
    socket.on("error", reject);
    socket.on("close", () => {
      const end = told.indexOf("\r\n\r\n") + 4;
      resolve({ head: told.slice(0, end), rest: told.slice(end) });
    });
    socket.write(first + second);
  });
}

test("204 has no length, and the next answer follows at once", async () => {
  const { head, rest } = await exchange(
    request("DELETE", "/portfolio/events/orders", false),
    request("GET", "/portfolio/balance", true),
  );
  expect(head).toMatch(/^HTTP\/1\.1 204 /);
  expect(head).not.toMatch(/^(content-length|transfer-encoding|content-type):/im);
  expect(rest).toMatch(/^HTTP\/1\.1 200 /);
  expect(rest).toMatch(/"balance":10000\b/);
});

test.each([
  ["/portfolio/balance", true],
  [`/markets/${TICKER}/orderbook`, false],
])("HEAD of %s is the head of GET, without a body", async (path, isSigned) => {
  const { head, rest } = await exchange(
    request("HEAD", path, false, isSigned),
    request("GET", path, true, isSigned),
  );
  const fields = (text: string) =>
    text
      .slice(0, text.indexOf("\r\n\r\n"))
      .split("\r\n")
      .filter((line) => !/^(date|connection|keep-alive):/i.test(line));
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(fields(head)).toEqual(fields(rest));
  const body = rest.slice(rest.indexOf("\r\n\r\n") + 4);
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}\r$`, "m"));
});

test("HEAD is signed as HEAD, and of what is only written there is none", async () => {
  const asGet = request("GET", "/portfolio/balance", false).replace("GET", "HEAD");
  const other = request("HEAD", "/portfolio/events/orders", true);
  const { head, rest } = await exchange(asGet, other);
  expect(head).toMatch(/^HTTP\/1\.1 401 /);
  expect(rest).toMatch(/^HTTP\/1\.1 404 [^]*\r\n\r\n$/);
});
