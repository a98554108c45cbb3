/** What a person should know of a run, the newest last; what is said again and again is kept once. */

export interface Remark {
  readonly kind: "error" | "note";
  /** When it was said last. */
  readonly atUs: number;
  readonly text: string;
  /** How often it was said, since it came into the list. */
  readonly times: number;
}

/** Remarks kept. */
const KEPT = 50;

export class Remarks {
  readonly #all: Remark[] = [];

  get all(): readonly Remark[] {
    return this.#all;
  }

  add(kind: Remark["kind"], text: string, atUs: number): void {
    const at = this.#all.findIndex((each) => each.kind === kind && each.text === text);
    const [former] = at === -1 ? [] : this.#all.splice(at, 1);
    this.#all.push({ kind, atUs, text, times: (former?.times ?? 0) + 1 });
    if (this.#all.length > KEPT) this.#all.shift();
  }
}
