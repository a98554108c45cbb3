/**
 * The report's colours: those of Okabe and Ito, which colour-blind readers can tell apart, a little
 * lighter on dark ground. Pictures name them as CSS variables, so that one picture serves both; the
 * page defines the variables, and a picture that leaves the page has them replaced.
 */
const PALETTE = {
  ink: { light: "#1b1f24", dark: "#e3e7eb" },
  ground: { light: "#ffffff", dark: "#14171a" },
  soft: { light: "#5c6670", dark: "#9aa4ae" },
  line: { light: "#d8dee4", dark: "#343b42" },
  panel: { light: "#f5f7f9", dark: "#1c2126" },
  bid: { light: "#0072b2", dark: "#4aa8e0" },
  ask: { light: "#d55e00", dark: "#f08a3c" },
  agent: { light: "#0072b2", dark: "#4aa8e0" },
  hold: { light: "#7f7f7f", dark: "#a3a3a3" },
  random: { light: "#b97a00", dark: "#e69f00" },
  join: { light: "#00805d", dark: "#22b58b" },
} as const;

export type Colour = keyof typeof PALETTE;

/** The colour as pictures and styles name it. */
export function paint(colour: Colour): string {
  return `var(--${colour})`;
}

/** A policy's colour; ink for one that has none of its own. */
export function policyPaint(policy: string): string {
  switch (policy) {
    case "agent":
    case "hold":
    case "random":
    case "join":
      return paint(policy);
    default:
      return paint("ink");
  }
}

/** The variables' definitions, for a rule of a style sheet. */
export function variables(scheme: "light" | "dark"): string {
  return Object.entries(PALETTE)
    .map(([name, colour]) => `--${name}: ${colour[scheme]};`)
    .join(" ");
}

/** `svg` with the light colours in place of the variables. */
export function inLight(svg: string): string {
  let painted = svg.replaceAll("currentColor", PALETTE.ink.light);
  for (const [name, { light }] of Object.entries(PALETTE)) {
    painted = painted.replaceAll(`var(--${name})`, light);
  }
  return painted;
}
