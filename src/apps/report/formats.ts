/** How the report writes numbers, times and text: the same on every machine, whatever its locale. */

/** Dollars with a proper minus sign; what rounds to nothing has no sign. */
export function dollars(amount: number, digits = 2): string {
  const text = Math.abs(amount).toFixed(digits);
  const isNegative = amount < 0 && Number(text) !== 0;
  return `${isNegative ? "\u2212" : ""}$${grouped(text)}`;
}

/** Digits in groups of three: 98304 is 98,304. */
export function grouped(number: number | string): string {
  const [whole = "", fraction] = String(number).split(".");
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** Seconds as m:ss, from an hour on or where told as h:mm:ss; rounded down to whole seconds. */
export function clock(seconds: number, withHours = seconds >= 3600): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return withHours ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A time of the recording in words, UTC. */
export function moment(atUs: number): string {
  return `${new Date(atUs / 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Text for HTML and SVG, in elements and in quoted attributes alike. */
export function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
