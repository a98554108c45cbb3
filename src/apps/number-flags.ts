/** Numbers on the command line, each with its range: whoever leaves it reads the same sentence everywhere. */
import { InvalidArgumentError } from "commander";

const A_BILLION = 1_000_000_000;

/** Above 0: seconds until the end of a command, amounts and sizes. */
export function numberAbove0(text: string): number {
  const value = decimal(text);
  if (value > 0 && value <= A_BILLION) return value;
  throw new InvalidArgumentError("Expected a number above 0, up to a billion.");
}

export function numberFrom0(text: string): number {
  const value = decimal(text);
  if (value <= A_BILLION) return value;
  throw new InvalidArgumentError("Expected a number from 0 to a billion.");
}

/** A parser of numbers within a range of its own. */
export function numberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = decimal(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

export function wholeNumberWithin(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Not a number for anything but digits with a point among them. */
function decimal(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}
