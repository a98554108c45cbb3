/**
 * The results that PPO must reproduce: what is run, over how many seeds, and what others publish
 * for it. `wanted` says in words what a mean must reach, `holds` decides it from mean and interval.
 */

/** A figure published as `mean ± spread` is met from one spread below the mean on. */
const within = (published, spread) => ({
  wanted: `≥ ${(published - spread).toFixed(1).replace("-", "−")}`,
  holds: ({ mean }) => mean >= published - spread,
});

export const ROWS = [
  {
    id: "cartpole-cleanrl",
    environment: "CartPole-v1",
    preset: "cleanrl",
    seeds: 10,
    published: "490.0 ± 6.1 (3 seeds)",
    ...within(490.04, 6.12),
  },
  {
    id: "cartpole-rl-zoo",
    environment: "CartPole-v1",
    preset: "rl-zoo",
    seeds: 10,
    published: "500.0 ± 0 (1 run)",
    ...within(500, 0),
  },
  {
    id: "acrobot-cleanrl",
    environment: "Acrobot-v1",
    preset: "cleanrl",
    seeds: 5,
    published: "−86.4 ± 1.3 (3 seeds)",
    ...within(-86.36, 1.32),
  },
  {
    id: "acrobot-rl-zoo",
    environment: "Acrobot-v1",
    preset: "rl-zoo",
    seeds: 5,
    published: "−73.5 ± 18.2 (1 run, over episodes)",
    ...within(-73.506, 18.201),
  },
  {
    id: "mountaincar-rl-zoo",
    environment: "MountainCar-v0",
    preset: "rl-zoo",
    seeds: 5,
    published: "−110.4 ± 19.5 (1 run, over episodes)",
    ...within(-110.423, 19.473),
  },
  {
    id: "mountaincar-cleanrl",
    environment: "MountainCar-v0",
    preset: "cleanrl",
    seeds: 5,
    published: "−200.0 ± 0.0 (3 seeds)",
    wanted: "−200: it must fail",
    holds: ({ mean }) => mean === -200,
  },
  {
    id: "invalid-actions",
    environment: "InvalidActionEnvDiscrete",
    preset: "sb3",
    seeds: 10,
    published: "above 90 (1 seed)",
    wanted: "90 within the interval",
    holds: ({ high }) => high >= 90,
  },
];
