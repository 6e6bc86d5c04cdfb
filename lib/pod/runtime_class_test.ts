import assert from "node:assert/strict";
import type { RuntimeClass } from "../api/types.ts";
import { isKubeletError } from "../errors.ts";
import { podOf, World } from "./_world.ts";
import { type HandlerSources, runtimeHandlerOf } from "./runtime_class.ts";

const signal = new AbortController().signal;

/** A backend with the handlers `plain` and `dense`, in a cluster with these classes. */
function sources(classes?: Readonly<Record<string, string>>): HandlerSources {
  const runtimeClass = (name: string): Promise<RuntimeClass | undefined> => {
    const handler = classes?.[name];
    return Promise.resolve(handler === undefined ? undefined : { metadata: { name }, handler });
  };
  return {
    objects: classes === undefined ? {} : { runtimeClass },
    provider: { handlers: ["plain", "dense"] },
    signal,
  };
}

const withClass = (runtimeClassName: string) => podOf("ok", { spec: { runtimeClassName } });

Deno.test("runtimeHandlerOf() follows the pod's RuntimeClass to its handler", async () => {
  assert.equal(await runtimeHandlerOf(withClass("small"), sources({ small: "dense" })), "dense");
  assert.equal(await runtimeHandlerOf(podOf("ok"), sources({ small: "dense" })), undefined);
  assert.equal(await runtimeHandlerOf(withClass(""), sources({})), undefined);
});

Deno.test("runtimeHandlerOf() takes the name for the handler where there is no cluster", async () => {
  assert.equal(await runtimeHandlerOf(withClass("dense"), sources()), "dense");
  await assert.rejects(runtimeHandlerOf(withClass("small"), sources()), /No runtime for handler/);
});

Deno.test("runtimeHandlerOf() says what is missing, in a way that is tried again", async () => {
  for (
    const [classes, message] of [
      [{}, 'RuntimeClass "small" not found'],
      [
        { small: "runc" },
        'No runtime for handler "runc" of RuntimeClass "small" on this node: it has plain, dense',
      ],
    ] as const
  ) {
    await assert.rejects(
      runtimeHandlerOf(withClass("small"), sources(classes)),
      (error) => isKubeletError(error, "container_start") && error.message === message,
    );
  }
});

Deno.test("PodManager lets a pod wait for its RuntimeClass, and runs it with its handler", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(withClass("late"));
  await world.eventually(
    "it is told",
    () => world.events.some(({ reason }) => reason === "FailedCreatePodSandBox"),
  );
  assert.equal(world.runs.length, 0);
  assert.equal(world.status("web").phase, "Pending");
  assert.equal(world.container("web")?.state.waiting?.reason, "ContainerCreating");
  world.runtimeClasses.set("late", "dense");
  await world.phase("web", "Succeeded");
  assert.deepEqual(world.runs.map(({ runtimeHandler }) => runtimeHandler), ["dense"]);
  assert.match(
    world.events.find(({ reason }) => reason === "FailedCreatePodSandBox")?.message ?? "",
    /^Failed to create pod sandbox: RuntimeClass "late" not found$/,
  );
  await agent.shutdown(0);
});

Deno.test("PodManager ends a pod that waits for its RuntimeClass in vain", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = withClass("never");
  agent.apply(pod);
  await world.eventually(
    "it is told",
    () => world.events.some(({ reason }) => reason === "FailedCreatePodSandBox"),
  );
  agent.apply({
    ...pod,
    metadata: {
      ...pod.metadata,
      deletionTimestamp: "2026-11-21T12:00:00Z",
      deletionGracePeriodSeconds: 0,
    },
  });
  await world.eventually("it is released", () => world.released.includes("web"));
  assert.equal(world.runs.length, 0);
  await agent.shutdown(0);
});
