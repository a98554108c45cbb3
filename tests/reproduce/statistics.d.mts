export interface Summary {
  readonly n: number;
  readonly mean: number;
  /** NaN for a single value. */
  readonly low: number;
  readonly high: number;
}
export function summary(values: readonly number[]): Summary;
export function median(values: readonly number[]): number;
