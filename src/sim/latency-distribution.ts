/**
 * Latencies as they were measured: a list of samples, each as likely as any other, or quantiles with
 * straight lines between them. Plain data that goes into episode settings and so into episode
 * records, which thereby need no file to be played again. The hash is of the numbers: it tells two
 * measurements apart wherever they came from.
 */
import { canonicalJson, OperationError, type Prng, sha256 } from "../core/index.ts";

/** An hour; what is longer is a slip of a unit. */
export const LATENCY_US_MAX = 3_600_000_000;
/** They travel with every record of an episode. */
export const LATENCY_VALUES_MAX = 10_000;
/** Shares of quantiles are in parts of this. */
export const SHARE_PPM = 1_000_000;

/** Measured latencies in whole microseconds. */
export type LatencyValues =
  | { readonly samplesUs: readonly number[] }
  /** [share in millionths, microseconds], from share 0 (the least) to 1,000,000 (the most). */
  | { readonly quantilesUs: readonly (readonly [sharePpm: number, us: number])[] };

export type LatencyDistribution = LatencyValues & {
  /** SHA-256 of the canonical JSON of the values. */
  readonly contentHash: string;
};

/** One value that does not fit, by its place in the list. */
export interface LatencyFault {
  readonly index: number;
  readonly expected: string;
  readonly found: string;
}

/** The first fault of the values, or null. */
export function faultIn(values: LatencyValues): LatencyFault | null {
  const list: readonly unknown[] =
    "samplesUs" in values ? values.samplesUs : values.quantilesUs.map(asWritten);
  const fault = (index: number, expected: string): LatencyFault => ({
    index,
    expected,
    found: index < list.length ? JSON.stringify(list[index]) : "the end of the list",
  });
  if (list.length > LATENCY_VALUES_MAX) {
    return { index: LATENCY_VALUES_MAX, expected: TOO_MANY, found: `${list.length} values` };
  }
  if (list.length === 0) return fault(0, "at least one value");
  if ("samplesUs" in values) {
    const index = values.samplesUs.findIndex((us) => !isLatency(us));
    return index < 0 ? null : fault(index, WHOLE_US);
  }
  return faultInQuantiles(values.quantilesUs, fault);
}

const WHOLE_US = `whole microseconds from 0 to ${LATENCY_US_MAX}`;
const TOO_MANY = `at most ${LATENCY_VALUES_MAX} values; give quantiles of them instead`;

function faultInQuantiles(
  quantiles: readonly (readonly [number, number])[],
  fault: (index: number, expected: string) => LatencyFault,
): LatencyFault | null {
  for (let index = 0; index < quantiles.length; index++) {
    const pair = quantiles[index];
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isSafeInteger)) {
      return fault(index, "a share and whole microseconds");
    }
    const [share, us] = pair as [number, number];
    if (!isLatency(us)) return fault(index, WHOLE_US);
    const [shareBefore, usBefore] = quantiles[index - 1] ?? [-1, 0];
    if (index === 0 ? share !== 0 : share > SHARE_PPM || share <= shareBefore) {
      return fault(index, index === 0 ? "the share 0 first" : "a larger share, up to 1");
    }
    if (us < usBefore) return fault(index, `no less than the ${usBefore} us before it`);
  }
  const isWhole = quantiles.at(-1)?.[0] === SHARE_PPM;
  return isWhole ? null : fault(quantiles.length, "the share 1 last");
}

/** A quantile with its share from 0 to 1, as people write it. */
function asWritten(pair: unknown): unknown {
  return Array.isArray(pair) ? [(pair[0] as number) / SHARE_PPM, ...pair.slice(1)] : pair;
}

function isLatency(us: unknown): boolean {
  return Number.isSafeInteger(us) && (us as number) >= 0 && (us as number) <= LATENCY_US_MAX;
}

/** A distribution of these values. `LATENCY` where one of them does not fit. */
export function latencyDistribution(values: LatencyValues): LatencyDistribution {
  const fault = faultIn(values);
  if (fault !== null) {
    throw new OperationError(
      "LATENCY",
      `latency distribution: value ${fault.index}: expected ${fault.expected}, was ${fault.found}`,
    );
  }
  return { ...values, contentHash: hashOf(values) };
}

function hashOf(values: LatencyValues): string {
  return sha256(
    canonicalJson(
      "samplesUs" in values ? { samplesUs: values.samplesUs } : { quantilesUs: values.quantilesUs },
    ),
  );
}

/** Those that were looked at already: an environment makes many episodes of the same settings. */
const SOUND = new WeakSet<object>();

/** True where the values are sound and are those that the hash is of. */
export function isDistribution(term: LatencyDistribution): boolean {
  if (SOUND.has(term)) return true;
  const { samplesUs, quantilesUs } = term as Readonly<Record<string, unknown>>;
  if (Array.isArray(samplesUs) === Array.isArray(quantilesUs)) return false;
  if (faultIn(term) !== null || hashOf(term) !== term.contentHash) return false;
  SOUND.add(term);
  return true;
}

/** Draws a latency, in whole microseconds. */
export function drawFrom(distribution: LatencyDistribution, prng: Prng): number {
  if ("samplesUs" in distribution) {
    const { samplesUs } = distribution;
    return samplesUs[prng.integer(samplesUs.length)] as number;
  }
  const { quantilesUs } = distribution;
  const share = prng.integer(SHARE_PPM);
  let low = 0;
  let high = quantilesUs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((quantilesUs[middle] as readonly [number, number])[0] <= share) low = middle;
    else high = middle;
  }
  const [shareLow, usLow] = quantilesUs[low] as readonly [number, number];
  const [shareHigh, usHigh] = quantilesUs[high] as readonly [number, number];
  // At most 3.6e9 x 1e6: exact in a double, and so is the floor of the quotient.
  return usLow + Math.floor(((usHigh - usLow) * (share - shareLow)) / (shareHigh - shareLow));
}
