/** Nothing that comes out of the room holds a key, a signature, or the headers that carry them. */
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { Prng } from "../../src/core/index.ts";
import {
  type Answer,
  calls,
  FeedClient,
  type FeedEvent,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  RestClient,
  sentenceOf,
  valueOf,
} from "../../src/kalshi/index.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const keyId = "0f6b1c9e-secret-id";

/** A server that refuses everything, and remembers the signatures that it was sent. */
async function refusing(signatures: string[]): Promise<{ port: number; close: () => void }> {
  const server = http.createServer((request, response) => {
    signatures.push(String(request.headers["kalshi-access-signature"]));
    response.writeHead(401);
    response.end(
      '{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}',
    );
  });
  server.on("upgrade", (request, socket) => {
    signatures.push(String(request.headers["kalshi-access-signature"]));
    socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

test("answers, events, states and errors of refused requests hold no secret", async () => {
  const signatures: string[] = [];
  const { port, close } = await refusing(signatures);
  const at = `127.0.0.1:${port}/trade-api`;
  const venue = openVenue({ restUrl: `http://${at}/v2`, wsUrl: `ws://${at}/ws/v2` });
  const key = loadSigningKey(venue, { keyId, pem });
  const network = new NodeNetwork(venue);
  const scheduler = new MachineScheduler();
  const prng = Prng.fromSeed(1);
  const client = new RestClient({ venue, key, network, scheduler, prng });
  const answer = await new Promise<Answer<unknown>>((resolve) => {
    client.send(calls.balance(), resolve);
  });
  const events: FeedEvent[] = [];
  let feed: FeedClient | undefined;
  await new Promise<void>((resolve) => {
    const onEvents = (): void => {
      resolve();
    };
    feed = new FeedClient({ venue, key, network, scheduler, prng, onEvents });
    feed.start();
  });
  feed?.drain(events);
  feed?.close();
  client.close();
  network.close();
  close();

  const said: string[] = [JSON.stringify([answer, events, client.health(), feed?.health()])];
  for (const thing of [answer, events, client, feed, network, key, venue]) {
    said.push(inspect(thing, { depth: 20, showHidden: true }));
  }
  if (answer.kind !== "ok") said.push(sentenceOf(answer));
  try {
    valueOf(answer, "balance");
  } catch (error) {
    said.push(inspect(error, { depth: 20 }));
  }
  expect(signatures).toHaveLength(2);
  expect(said.join()).toContain("the venue does not know this key id");
  const lines = pem.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"));
  for (const secret of [...signatures, ...lines]) {
    expect(secret.length).toBeGreaterThan(20);
    expect(said.join("\n")).not.toContain(secret);
  }
  expect(said.join("\n")).not.toContain("PRIVATE KEY");
});
