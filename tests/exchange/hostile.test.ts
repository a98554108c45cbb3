/**
 * Whoever connects may send anything, or nothing at all, as slowly as he likes: the real server goes on
 * serving others, and its book and money stay right.
 */
import { generateKeyPairSync } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { KEY_ID, RSA, ServedCase, TICKER } from "./served-case.ts";
import { signedHeaders } from "./signed-case.ts";

let at: ServedCase;
let port = 0;
const total = () => at.exchange.engine.total();

beforeAll(async () => {
  at = await ServedCase.open();
  port = Number(new URL(at.server.rest).port);
  at.crowd("bid", 44, 10);
  at.crowd("ask", 47, 10);
});

afterAll(() => at.server.close());

const ORDERS = "/trade-api/v2/portfolio/events/orders";

/** Sends raw bytes; all that comes back until the connection ends. */
function raw(bytes: string | Buffer, to = port): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(to, "127.0.0.1");
    let told = "";
    const end = (): void => {
      socket.destroy();
      resolve(told);
    };
    socket.on("data", (data: Buffer) => (told += data.toString("latin1")));
    socket.on("close", end);
    socket.on("error", end);
    socket.write(bytes);
  });
}

function statusLines(told: string): string[] {
  return [...told.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1] ?? "");
}

function post(body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${ORDERS}`, {
    method: "POST",
    headers: {
      ...signedHeaders(RSA.privateKey, KEY_ID, "POST", ORDERS),
      "content-type": "application/json",
      ...headers,
    },
    body: new Uint8Array(Buffer.from(body)),
  });
}

/** Waits until the exchange has no feed connection any more. */
async function allLeft(): Promise<void> {
  while (at.exchange.connectionCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The exchange answers an honest request, and money is what it was. */
async function isSound(before: number): Promise<void> {
  const path = `/trade-api/v2/markets/${TICKER}/orderbook`;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(await answer.json()).toEqual({
    orderbook_fp: {
      yes_dollars: [["0.4400", "10.00"]],
      no_dollars: [["0.5300", "10.00"]],
    },
  });
  expect(total()).toBe(before);
}

describe("bodies", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  test.each<[string, string | Buffer, number]>([
    ["nothing", "", 400],
    ["no JSON", "{", 400],
    ["a number", "1e999", 400],
    ["null", "null", 400],
    ["a list", "[]", 400],
    ["nested deeply", deep, 400],
    ["nested deeply inside", `{"ticker":${deep}}`, 400],
    ["bytes", Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc0]), 400],
    ["bad UTF-8 in a text", Buffer.from('{"ticker":"\xff\xfe"}', "latin1"), 400],
    ["prototype", '{"__proto__":{"ticker":"x"},"constructor":1}', 400],
    ["a long number", `{"ticker":"${TICKER}","count":"${"9".repeat(900_000)}"}`, 400],
    ["more than a megabyte", `{"ticker":"${"x".repeat(1_200_000)}"}`, 413],
  ])("%s is refused", async (_, body, status) => {
    const before = total();
    const answer = await post(body);
    expect(answer.status).toBe(status);
    const text = await answer.text();
    expect(JSON.parse(text)).toHaveProperty(text.includes('"error"') ? "error" : "code");
    expect(text.length).toBeLessThan(1_000);
    await isSound(before);
  });

  test("a body that never ends is cut off", async () => {
    const before = total();
    const head = `POST ${ORDERS} HTTP/1.1\r\nhost: x\r\ncontent-length: 99000000\r\n\r\n`;
    const told = await raw(head + "x".repeat(20_000_000));
    expect(told.length).toBeLessThan(1_000);
    await isSound(before);
  });
});

describe("HTTP that is none", () => {
  test.each<[string, string | Buffer, string[]]>([
    ["noise", Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 73) & 255)), []],
    ["a wrong method", "FETCH / HTTP/1.1\r\nhost: x\r\n\r\n", []],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
      [],
    ],
    [
      "length and chunks",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      [],
    ],
    ["a negative length", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", []],
    ["a bad chunk", "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", []],
    ["a heap of headers", `GET / HTTP/1.1\r\nhost: x\r\n${"a: b\r\n".repeat(20_000)}\r\n`, []],
    ["a path of a megabyte", `GET /${"a".repeat(1_000_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, []],
    ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n", []],
    ["TLS", Buffer.from("16030100f1010000ed0303", "hex"), []],
    [
      "a path that cannot be decoded",
      "GET /trade-api/v2/markets/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
      ["404"],
    ],
    [
      "another protocol to upgrade to",
      "GET /trade-api/ws/v2 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
      ["401"],
    ],
  ])("%s", async (_, bytes, statuses) => {
    const before = total();
    expect(statusLines(await raw(bytes))).toEqual(statuses);
    await isSound(before);
  });

  test("requests in a row on one connection are answered in their order", async () => {
    const one = (path: string, last: boolean): string =>
      `GET /trade-api/v2${path} HTTP/1.1\r\nhost: x\r\n${last ? "connection: close\r\n" : ""}\r\n`;
    const count = 500;
    const all = Array.from({ length: count }, (_, index) =>
      one(index % 2 === 0 ? "/exchange/status" : "/nowhere", index === count - 1),
    );
    expect(statusLines(await raw(all.join("")))).toEqual(
      all.map((_, index) => (index % 2 === 0 ? "200" : "404")),
    );
  });
});

describe("slowness", () => {
  test("headers and bodies that do not arrive end the connection", async () => {
    // One of little patience, for this alone: all else may take as long as the machine does.
    const hasty = await ServedCase.open({ patienceMs: 500 });
    const to = Number(new URL(hasty.server.rest).port);
    const halfHead = raw("GET /trade-api/v2/exchange/status HTTP/1.1\r\nhost: x\r\n", to);
    const halfBody = raw(`POST ${ORDERS} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{`, to);
    const nothing = raw("", to);
    const told = await Promise.all([halfHead, halfBody, nothing]);
    for (const text of told)
      expect(statusLines(text).filter((status) => status !== "408")).toEqual([]);
    expect((await fetch(`${hasty.server.rest}/exchange/status`)).status).toBe(200);
    await hasty.server.close();
  });

  test("a request of which a part came before its client left does nothing", async () => {
    const before = total();
    const path = ORDERS;
    const headers = Object.entries(signedHeaders(RSA.privateKey, KEY_ID, "POST", path))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    const body = JSON.stringify({ ticker: TICKER, side: "bid", price: "0.4400", count: "1.00" });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}content-type: application/json\r\n` +
        `content-length: ${body.length + 50}\r\n\r\n${body}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resetAndDestroy();
    await isSound(before);
  });

  test("two thousand idle connections keep nobody from trading", async () => {
    const before = total();
    const sockets: Socket[] = [];
    const opened = Array.from({ length: 2_000 }, () => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      sockets.push(socket);
      return new Promise((resolve) => socket.on("connect", resolve).on("close", resolve));
    });
    await Promise.all(opened);
    await isSound(before);
    for (const socket of sockets) socket.destroy();
  });
});

describe("the WebSocket", () => {
  function open(headers: Record<string, string>): Promise<WebSocket> {
    const socket = new WebSocket(at.server.ws, { headers });
    return new Promise((resolve, reject) => {
      socket.on("open", () => resolve(socket));
      socket.on("error", reject);
    });
  }
  const signed = () => signedHeaders(RSA.privateKey, KEY_ID, "GET", "/trade-api/ws/v2");

  /** Sends frames and an honest command behind them; the answers, the last one's to the command. */
  async function answersTo(...frames: (string | Buffer)[]): Promise<Record<string, unknown>[]> {
    const socket = await open(signed());
    const answers: Record<string, unknown>[] = [];
    const done = new Promise<void>((resolve, reject) => {
      socket.on("message", (data: Buffer) => {
        const answer = JSON.parse(data.toString()) as Record<string, unknown>;
        answers.push(answer);
        if (answer["id"] === 77) resolve();
      });
      socket.on("close", (code) => reject(new Error(`closed with ${code}`)));
    });
    for (const frame of frames) socket.send(frame);
    socket.send('{"id":77,"cmd":"list_subscriptions"}');
    await done;
    socket.terminate();
    return answers;
  }

  test.each<[string, string | Buffer, number]>([
    ["no JSON", "hello", 1],
    ["nothing", "", 1],
    ["bytes", Buffer.from([1, 2, 3]), 1],
    ["depth", `{"cmd":"subscribe","params":${"[".repeat(1_000)}${"]".repeat(1_000)}}`, 1],
    ["no command", "{}", 5],
    ["an odd id", '{"id":1e99,"cmd":"list_subscriptions"}', 11],
    ["odd channels", '{"cmd":"subscribe","params":{"channels":[{}]}}', 11],
    ["odd subscriptions", '{"cmd":"unsubscribe","params":{"sids":["1"]}}', 11],
    ["a prototype", '{"cmd":"subscribe","params":{"channels":["__proto__"]}}', 8],
    ["an inherited name", '{"cmd":"subscribe","params":{"channels":["toString"]}}', 8],
  ])("%s is a fault with a number", async (_, frame, code) => {
    const [fault, list] = await answersTo(frame);
    expect(fault).toMatchObject({ type: "error", msg: { code } });
    expect(list).toEqual({ id: 77, type: "ok", msg: [] });
  });

  test("a list of sixty thousand markets is answered, and one that repeats itself counts once", async () => {
    const unknown = Array.from({ length: 60_000 }, (_, index) => `KXNONE-${index}`);
    const params = { channels: ["orderbook_delta"], market_tickers: unknown };
    const [fault] = await answersTo(JSON.stringify({ id: 1, cmd: "subscribe", params }));
    expect(fault).toMatchObject({ id: 1, type: "error", msg: { code: 11 } });
    const again = Array.from({ length: 20_000 }, () => TICKER);
    const same = { channels: ["orderbook_delta"], market_tickers: again };
    const answers = await answersTo(JSON.stringify({ id: 1, cmd: "subscribe", params: same }));
    expect(answers.map(({ type }) => type)).toEqual(["subscribed", "orderbook_snapshot", "ok"]);
  });

  test.each<[string, (socket: WebSocket) => void, number]>([
    ["a frame of two megabytes", (socket) => socket.send("x".repeat(2_000_000)), 1009],
    ["bad UTF-8", (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }), 1007],
  ])("%s ends the connection", async (_, send, code) => {
    const before = total();
    const socket = await open(signed());
    const closed = new Promise((resolve) => socket.on("close", resolve));
    send(socket);
    expect(await closed).toBe(code);
    await isSound(before);
  });

  test("raw noise in an open connection ends it", async () => {
    const head = Object.entries(signed())
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    const told = await raw(
      Buffer.concat([
        Buffer.from(
          `GET /trade-api/ws/v2 HTTP/1.1\r\nhost: x\r\n${head}connection: upgrade\r\n` +
            "upgrade: websocket\r\nsec-websocket-version: 13\r\n" +
            "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        ),
        Buffer.from([0x83, 0x01, 0x02, 0xff, 0xff, 0xff]),
      ]),
    );
    expect(statusLines(told)).toEqual(["101"]);
    await allLeft();
  });

  test("a stranger's key, and none, are turned away before anything is opened", async () => {
    const stranger = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    }).privateKey;
    const forged = signedHeaders(stranger, KEY_ID, "GET", "/trade-api/ws/v2");
    await expect(open(forged)).rejects.toThrow("401");
    await expect(open({})).rejects.toThrow("401");
    await allLeft();
  });

  test("connections have a number beyond which none is opened", async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open(signed())));
    await expect(open(signed())).rejects.toThrow("429");
    for (const socket of sockets) socket.terminate();
    await allLeft();
  });

  test("a reader that never reads is cut off, and others go on", async () => {
    const before = total();
    const socket = await open(signed());
    socket.pause();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.send(
      JSON.stringify({
        id: 1,
        cmd: "subscribe",
        params: { channels: ["orderbook_delta"], market_tickers: [TICKER] },
      }),
    );
    const tickers = Array.from({ length: 40_000 }, (_, index) => `KXNONE-${index}`);
    const params = { channels: ["trade"], market_tickers: tickers };
    const large = JSON.stringify({ id: 2, cmd: "subscribe", params });
    for (let index = 0; index < 60; index++) socket.send(large);
    await allLeft();
    await isSound(before);
    let last = "";
    socket.on("message", (data: Buffer) => (last = data.toString()));
    socket.resume();
    await closed;
    expect(JSON.parse(last)).toEqual({
      type: "error",
      msg: { code: 25, msg: "Subscription buffer overflow" },
    });
  });
});
