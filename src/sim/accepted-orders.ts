/**
 * The market of every order that was ever accepted, by which second ones of a name are refused. It
 * grows with the history, and still saving it copies little: saved entries lie in layers that never
 * change and are shared by all copies, each at least twice as large as the next, so that there are
 * few of them and every entry is moved seldom.
 */
import type { ClientOrderId } from "../orders/index.ts";

/** Layers that never change, oldest first. */
export type AcceptedOrdersState = readonly ReadonlyMap<ClientOrderId, number>[];

export class AcceptedOrders {
  #layers: AcceptedOrdersState = [];
  #newest = new Map<ClientOrderId, number>();

  add(clientOrderId: ClientOrderId, market: number): void {
    this.#newest.set(clientOrderId, market);
  }

  marketOf(clientOrderId: ClientOrderId): number | undefined {
    let market = this.#newest.get(clientOrderId);
    for (let at = this.#layers.length - 1; market === undefined && at >= 0; at--) {
      market = this.#layers[at]?.get(clientOrderId);
    }
    return market;
  }

  save(): AcceptedOrdersState {
    if (this.#newest.size === 0) return this.#layers;
    const layers = [...this.#layers];
    let layer: ReadonlyMap<ClientOrderId, number> = this.#newest;
    for (let older = layers.at(-1); older !== undefined; older = layers.at(-1)) {
      if (older.size >= 2 * layer.size) break;
      layer = new Map([...older, ...layer]);
      layers.pop();
    }
    layers.push(layer);
    this.#layers = layers;
    this.#newest = new Map();
    return layers;
  }

  restore(state: AcceptedOrdersState): void {
    this.#layers = state;
    this.#newest = new Map();
  }
}
