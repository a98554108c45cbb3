/**
 * kalshi: the venue's language and the way to it. Which hosts are allowed, keys and signatures, the
 * wire forms of REST and WebSocket, a REST client and a WebSocket feed. Wire strings become integers
 * here, once. It reads no clock and draws no randomness of its own: time comes from a `Scheduler`,
 * jitter from a `Prng`. It keeps no books of orders or positions.
 */
export {
  KEY_VARIABLES,
  type KeyKind,
  type KeySource,
  keySourceFrom,
  loadSigningKey,
  type SigningKey,
} from "./signing-key.ts";
export { AUTH_HEADERS, isSignatureOf, signedHeaders, textToSign } from "./signing.ts";
export { DEMO_ADDRESSES, openVenue, type Venue, type VenueAddresses } from "./venue.ts";
