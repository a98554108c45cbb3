import { defineStrategy } from "../strategy-options.ts";

export const hold = defineStrategy({
  name: "hold",
  description: "never trades: what is gained by staying out",
  options: {},
  make: () => ({ decide: () => undefined }),
});
