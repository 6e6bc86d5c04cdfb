/**
 * Random scripts of pod lives: what a pod is, and what happens to it and around it.
 *
 * @module
 */
import fc from "fast-check";
import type { RestartPolicy } from "../api/types.ts";

/** What a probe is for. */
export type ProbeKind = (typeof PROBE_KINDS)[number];
/** All of them. */
export const PROBE_KINDS = ["startup", "liveness", "readiness"] as const;

/** One container of a pod. */
export interface ContainerPlan {
  readonly kind: "init" | "sidecar" | "app" | "ephemeral";
  readonly name: string;
  readonly image: Image;
  /** Its own word on restarts, which comes before the pod's. */
  readonly policy?: RestartPolicy;
  /** Its rules: exit codes that are, or are not, followed by a restart. */
  readonly rules: readonly { readonly operator: "In" | "NotIn"; readonly values: number[] }[];
  /** What its guest does when it is told to stop: exits with a code, or nothing. */
  readonly manner: number | "deaf";
  readonly probes: readonly ProbeKind[];
  readonly postStart: "none" | "good" | "bad";
  readonly preStop: "none" | "good" | "bad" | "hang";
  /** True if a variable of it is from the ConfigMap. */
  readonly config: boolean;
}

/** One pod. */
export interface PodPlan {
  readonly policy: RestartPolicy;
  /** Init containers and sidecars first. */
  readonly containers: readonly ContainerPlan[];
  readonly graceSeconds: number;
  readonly deadlineSeconds: number | undefined;
  /** True if it mounts the ConfigMap. */
  readonly volume: boolean;
}

/** There are two; a registry that has neither at times. */
export type Image = "red" | "blue";

/** What happens. Containers are meant by their place in the plan, modulo their number. */
export type Deed =
  /** Somebody creates the pod, if there is none of its name: with a new UID, and of the next plan. */
  | { readonly do: "create" }
  /** A guest ends by itself, if it runs. */
  | { readonly do: "exit"; readonly at: number; readonly code: number | "trap" }
  /** The container is to have its other image. */
  | { readonly do: "image"; readonly at: number }
  | { readonly do: "deadline"; readonly seconds: number }
  | { readonly do: "ephemeral"; readonly image: Image }
  | { readonly do: "label" }
  /** Somebody deletes the pod, with its own grace period or another. */
  | { readonly do: "delete"; readonly graceSeconds?: number }
  /** The object vanishes at once. */
  | { readonly do: "vanish" }
  /** From now on, the probe of a container says this. */
  | { readonly do: "probe"; readonly at: number; readonly kind: ProbeKind; readonly good: boolean }
  | { readonly do: "registry"; readonly image: Image; readonly has: boolean }
  | { readonly do: "config"; readonly there: boolean }
  /** The agent's process ends without a word; or as it is asked to; or another one starts. */
  | { readonly do: "kill" }
  | { readonly do: "stop" }
  | { readonly do: "start" }
  /** The API server cannot be reached from the node, or can again. */
  | { readonly do: "outage" }
  | { readonly do: "reunion" };

/** A deed, and the time until the next one; 0 if that comes before anybody has heard of this one. */
export type Step = Deed & { readonly thenSeconds: number };

/** A whole script. */
export interface Script {
  /** The pods that are created, one after the other. */
  readonly plans: readonly PodPlan[];
  /** Whether the ConfigMap is there at first. */
  readonly config: boolean;
  readonly steps: readonly Step[];
}

/** The rest of each pause, in ms: no step comes at the time of a timer, whose times are whole seconds. */
export const ODD_MS = 37;

/** How long all guests have when the agent is asked to end, in seconds. */
export const STOP_SECONDS = 5;

/** Deeds after which the world needs a while until all is told. */
const SLOW: Partial<Record<Deed["do"], number>> = { stop: 61, reunion: 13 };

/** Deeds that may come so soon that the one before has not been heard of; their order makes no difference. */
const RUSHED: Partial<Record<Deed["do"], readonly Deed["do"][]>> = {
  create: ["exit", "image", "deadline", "label", "delete", "vanish", "registry", "config"],
  exit: ["exit", "label", "delete", "vanish", "deadline", "registry", "config", "probe"],
  vanish: ["create", "registry", "config"],
  registry: ["create", "exit", "image", "delete", "vanish"],
  config: ["create", "exit", "delete", "vanish"],
  probe: ["exit", "delete", "vanish", "probe"],
  delete: ["delete", "exit", "vanish", "label"],
};

const policy = fc.constantFrom<RestartPolicy>("Always", "OnFailure", "Never");
const image = fc.constantFrom<Image>("red", "blue");
const code = fc.constantFrom(0, 0, 1, 3);
const at = fc.nat({ max: 5 });
const often = fc.integer({ min: 0, max: 2 }).map((n) => n === 2);
const seldom = fc.integer({ min: 0, max: 4 }).map((n) => n === 4);

const rules: fc.Arbitrary<ContainerPlan["rules"]> = fc.array(
  fc.record({
    operator: fc.constantFrom<"In" | "NotIn">("In", "NotIn"),
    values: fc.uniqueArray(fc.constantFrom(0, 1, 3), { minLength: 1, maxLength: 2 }),
  }),
  { maxLength: 1 },
);

function container(kind: ContainerPlan["kind"]): fc.Arbitrary<Omit<ContainerPlan, "name">> {
  const lives = kind !== "init";
  const own = kind === "sidecar" ? fc.constant(undefined) : fc.option(policy, { nil: undefined });
  return fc.record({
    kind: fc.constant(kind),
    image,
    ruled: often,
    own,
    rules,
    manner: fc.constantFrom<number | "deaf">("deaf", 0, 0, 3),
    probes: lives ? fc.subarray<ProbeKind>([...PROBE_KINDS], { maxLength: 2 }) : fc.constant([]),
    probed: often,
    postStart: lives ? fc.constantFrom("none", "none", "none", "good", "bad") : fc.constant("none"),
    preStop: lives
      ? fc.constantFrom("none", "none", "none", "good", "bad", "hang")
      : fc.constant("none"),
    config: seldom,
  }).map(({ own, ruled, rules, probes, probed, ...plan }) => ({
    ...plan,
    // The API server takes rules only beside a word of the container's own.
    ...(ruled && own !== undefined && !(kind === "init" && own === "Always")
      ? { policy: own, rules }
      : { rules: [] }),
    probes: probed ? probes : [],
  })) as fc.Arbitrary<Omit<ContainerPlan, "name">>;
}

const podPlan: fc.Arbitrary<PodPlan> = fc.record({
  policy,
  inits: fc.array(fc.oneof(container("init"), container("sidecar")), { maxLength: 2 }),
  apps: fc.array(container("app"), { minLength: 1, maxLength: 3 }),
  graceSeconds: fc.constantFrom(0, 1, 5, 30),
  deadline: seldom,
  deadlineSeconds: fc.constantFrom(2, 20, 90),
  volume: seldom,
}).map(({ inits, apps, deadline, deadlineSeconds, ...plan }) => ({
  ...plan,
  containers: [...inits, ...apps].map((one, i) => ({ ...one, name: `${one.kind}-${i}` })),
  deadlineSeconds: deadline ? deadlineSeconds : undefined,
}));

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("create" as const) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("exit" as const),
      at,
      code: fc.oneof({ weight: 5, arbitrary: code }, fc.constant("trap" as const)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("image" as const), at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("deadline" as const),
      seconds: fc.constantFrom(1, 30, 600),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ephemeral" as const), image }) },
  { weight: 1, arbitrary: fc.constant({ do: "label" } as const) },
  { weight: 2, arbitrary: fc.constant({ do: "delete" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("delete" as const),
      graceSeconds: fc.constantFrom(1, 5, 30),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "vanish" } as const) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("probe" as const),
      at,
      kind: fc.constantFrom(...PROBE_KINDS),
      good: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("registry" as const), image, has: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("config" as const), there: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.constant({ do: "kill" } as const) },
  { weight: 2, arbitrary: fc.constant({ do: "stop" } as const) },
  { weight: 4, arbitrary: fc.constant({ do: "start" } as const) },
  { weight: 3, arbitrary: fc.constant({ do: "outage" } as const) },
  { weight: 4, arbitrary: fc.constant({ do: "reunion" } as const) },
);

const step: fc.Arbitrary<Step & { readonly rushed: boolean }> = fc.record({
  deed,
  rushed: often,
  thenSeconds: fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(3, 3, 13, 61) },
    { weight: 1, arbitrary: fc.constant(700) },
  ),
}).map(({ deed, rushed, thenSeconds }) => ({
  ...deed,
  rushed,
  thenSeconds: Math.max(thenSeconds, SLOW[deed.do] ?? 0),
}));

/** Scripts of one pod after the other, each with 3 to 12 steps after the first. */
export const scripts: fc.Arbitrary<Script> = fc.record({
  plans: fc.array(podPlan, { minLength: 1, maxLength: 2 }),
  config: fc.boolean(),
  steps: fc.array(step, { minLength: 3, maxLength: 12 }).map((steps) => [
    { do: "create" as const, thenSeconds: 3 },
    ...steps.map(({ rushed, ...one }, i) => {
      const next = steps[i + 1]?.do;
      const atOnce = rushed && next !== undefined && RUSHED[one.do]?.includes(next) === true;
      return atOnce ? { ...one, thenSeconds: 0 } : one;
    }),
  ]),
});

/** The script in words, a line for each pod and step. */
export function inWords({ plans, config, steps }: Script): string {
  const short = (value: unknown): string =>
    JSON.stringify(value)?.replaceAll(/"([-a-zA-Z0-9]+)"/g, "$1") ?? "";
  const pods = plans.flatMap(({ containers, ...plan }, i) => [
    `plan ${i}: ${short(plan)}`,
    ...containers.map((one) => `  ${short(one)}`),
  ]);
  const lines = steps.map(({ do: what, thenSeconds, ...rest }, i) =>
    `${i}. ${what} ${Object.keys(rest).length > 0 ? short(rest) : ""}, then ${thenSeconds} s`
  );
  return [...pods, `the ConfigMap is ${config ? "" : "not "}there`, ...lines].join("\n");
}
