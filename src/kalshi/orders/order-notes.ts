/** What happens to orders that is no event of an order of ours: for status logs and reconciliation. */
import type { ClientOrderId } from "../../orders/index.ts";
import type { VenueOrder } from "../wire/orders.ts";
import type { VenueFill } from "../wire/portfolio.ts";

interface NoteOf<Kind extends string> {
  readonly kind: Kind;
  readonly atUs: number;
}

/** What a request was for. */
export type WriteKind = "create" | "amend" | "cancel";

export type OrderNote =
  /** A request did not come off, or its outcome is not known; one plain sentence without full stop. */
  | (NoteOf<"trouble"> & {
      readonly clientOrderId: ClientOrderId;
      readonly write: WriteKind;
      readonly sentence: string;
    })
  /** A fill of an order that this manager did not send: positions and cash have changed. */
  | (NoteOf<"foreignFill"> & { readonly fill: VenueFill })
  /**
   * An order that is ours by its client id and that nobody waits for: its creation went unanswered and
   * it was held to be absent, or an earlier process sent it. It is being cancelled if it rests.
   */
  | (NoteOf<"strayOrder"> & {
      readonly clientOrderId: string;
      readonly order: Pick<VenueOrder, "orderId" | "ticker" | "status" | "filled" | "remaining">;
    })
  /** A fill of a stray order: positions and cash have changed. */
  | (NoteOf<"strayFill"> & { readonly clientOrderId: string; readonly fill: VenueFill })
  /** A fill of an order that had ended with all the fills that the venue had counted. */
  | (NoteOf<"lateFill"> & { readonly clientOrderId: ClientOrderId; readonly fill: VenueFill })
  /** The venue paid for a fill; it was told with a fee of nothing, so cash is higher by `amount`. */
  | (NoteOf<"rebate"> & {
      readonly clientOrderId: ClientOrderId;
      readonly tradeId: string;
      readonly amount: number;
    })
  /** Own orders were read again. */
  | (NoteOf<"recovered"> & { readonly readings: number; readonly sinceUs: number });
