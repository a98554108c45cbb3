/**
 * ISO 8601 stamps to microseconds and back, in exact integers: 0 to 9 digits of a second's fraction
 * (beyond the sixth they are cut), `T` or a space before the time, and `Z` or an offset behind it.
 */
import { OperationError, type TimestampUs } from "../core/index.ts";

const STAMP =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** Days since 1970-01-01 of a Gregorian date (H. Hinnant's days_from_civil). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Microseconds since 1970; without an offset the stamp is UTC. Anything else is `TIME_FORMAT`. */
export function parseIsoTime(text: string, field: string): TimestampUs {
  const match = STAMP.exec(text);
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] =
    match ?? [];
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  const inRange =
    match !== null &&
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= 31 &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 60;
  if (!inRange) {
    throw new OperationError(
      "TIME_FORMAT",
      `${field}: expected an ISO 8601 time such as 2026-03-18T19:36:00.5Z, was ` +
        JSON.stringify(text),
    );
  }
  let offsetMinutes = 0;
  if (zone !== "Z") {
    const digits = zone.replace(":", "");
    offsetMinutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
    if (zone.startsWith("-")) offsetMinutes = -offsetMinutes;
  }
  const minutes = days * 1440 + Number(hour) * 60 + Number(minute) - offsetMinutes;
  const microseconds = Number(fraction.padEnd(6, "0").slice(0, 6));
  return ((minutes * 60 + Number(second)) * 1_000_000 + microseconds) as TimestampUs;
}

/** The inverse, in UTC with six digits: 2026-03-18T19:36:00.520599Z. */
export function formatIsoTime(atUs: number): string {
  const seconds = Math.floor(atUs / 1_000_000);
  const days = Math.floor(seconds / 86_400);
  const pad = (value: number, width: number): string => String(value).padStart(width, "0");
  // The inverse of daysFromCivil, by the same author.
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const second = seconds - days * 86_400;
  const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  return (
    `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T` +
    `${clock.map((part) => pad(part, 2)).join(":")}.${pad(atUs - seconds * 1_000_000, 6)}Z`
  );
}
