/**
 * The way to the venue as this room needs it: one request, one socket. Real sockets and a simulated
 * network stand behind it alike. Nothing here throws or waits: everything that happens is told to a
 * callback, once, and never from within the call that asked for it.
 */

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root of the host, with prefix and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, or null for none. */
  readonly body: string | null;
}

export type HttpOutcome =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: string;
      /** The venue's clock in Unix milliseconds, to the second, where it told. */
      readonly dateMs: number | null;
    }
  /** Nothing of the request can have reached the venue. */
  | { readonly kind: "unsent"; readonly reason: string }
  /** Broken off: the venue may have acted, or not. */
  | { readonly kind: "lost"; readonly reason: string };

export interface SocketEvents {
  opened(): void;
  /** One text frame. */
  message(text: string): void;
  /** The other side gave a sign of life: a ping or the answer to ours. */
  alive(): void;
  /** The connection ended, or never came to be; nothing follows. */
  closed(reason: string): void;
}

export interface Socket {
  /** Sends a text frame; does nothing once the socket is closed. */
  send(text: string): void;
  ping(): void;
  /** Ends the connection; no event follows. */
  close(): void;
}

export interface Network {
  /** Sends a request; `done` hears the outcome unless the returned function called it off. */
  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): () => void;
  /** Opens the venue's WebSocket with the headers of a signed handshake. */
  openSocket(headers: Readonly<Record<string, string>>, events: SocketEvents): Socket;
}
