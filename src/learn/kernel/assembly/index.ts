/** What the host may call. The module has no memory of its own: it works in the one it is given. */
export { act, evaluate, logits } from "./act";
export { awaitSignal, signal } from "./barrier";
export { ceiling } from "./ceiling";
export { work } from "./update";
