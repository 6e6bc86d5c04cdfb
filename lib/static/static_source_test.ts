import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { namesIn } from "../files.ts";
import { World } from "../pod/_world.ts";
import { StaticSource } from "./static_source.ts";

const NAME = "web-node-1";

const manifest = (guest: string, more: object = {}): string =>
  JSON.stringify({
    kind: "Pod",
    metadata: { name: "web" },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "app", image: guest }],
      ...more,
    },
  });

/** A machine with manifests, whose API server does what the test says. */
async function withSource(
  api: { create(path: string, body: unknown): Promise<unknown> },
  test: (parts: {
    world: World;
    agent: ReturnType<World["agent"]>;
    source: StaticSource;
    write(guest: string, more?: object): Promise<void>;
    remove(): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  await using world = await World.open();
  const path = `${world.dir}/manifests`;
  await Deno.mkdir(path);
  const file = `${path}/web.json`;
  const source = new StaticSource({
    path,
    nodeName: "node-1",
    api: {
      create: <T>(to: string, body: unknown) => api.create(to, body) as Promise<T>,
      delete: () => Promise.reject(new Error("nobody answers")),
    },
    nodeUid: () => "node-uid",
    onTrouble: () => {},
  });
  const stop = new AbortController();
  const agent = world.agent();
  await Deno.writeTextFile(file, manifest("spin"));
  await source.start(agent);
  const running = source.run(stop.signal);
  try {
    await test({
      world,
      agent,
      source,
      write: (guest, more) => Deno.writeTextFile(file, manifest(guest, more)),
      remove: () => Deno.remove(file),
    });
  } finally {
    stop.abort();
    await running;
    await agent.shutdown(0);
  }
}

Deno.test("StaticSource runs, replaces and ends pods while the API server is away", async () => {
  const away = { create: () => Promise.reject(new Error("nobody answers")) };
  await withSource(away, async ({ world, source, write, remove }) => {
    await world.phase(NAME, "Running");
    const [uid] = source.uids();
    assert.equal(world.runs[0]?.pod.uid, uid);
    await write("polite");
    await world.eventually("the changed one runs", () => world.runs.length === 2);
    await world.phase(NAME, "Running");
    assert.notEqual(world.runs[1]?.pod.uid, uid);
    assert.deepEqual(await namesIn(`${world.dir}/pods`), [world.runs[1]?.pod.uid]);
    // It comes again just as it was, though it has gone before.
    await write("spin");
    await world.eventually("the first one runs again", () => world.runs.length === 3);
    assert.deepEqual([world.runs[2]?.pod.uid, world.runs[2]?.attempt], [uid, 0]);
    await remove();
    await world.eventually(
      "it has ended",
      () => world.status(NAME).containerStatuses?.[0]?.state.terminated !== undefined,
    );
    assert.deepEqual(world.released, [], "no API server is asked");
  });
});

Deno.test("StaticSource says a pod's status to each new mirror of it", async () => {
  let uids = 0;
  const api = {
    create: (_path: string, body: unknown) =>
      Promise.resolve({
        ...body as Pod,
        metadata: { ...(body as Pod).metadata, uid: `mirror-${++uids}` },
      }),
  };
  await withSource(api, async ({ world, agent, source }) => {
    await world.phase(NAME, "Running");
    for (let round = 1; round <= 2; round++) {
      const before = world.said.length;
      agent.sync(source.sync([])); // there is no mirror (any more)
      await world.eventually(
        "it says so again",
        () => uids === round && world.said.length > before,
      );
      assert.equal(world.status(NAME).phase, "Running");
    }
    assert.equal(world.runs.length, 1);
    assert.equal(agent.find("default", NAME)?.ending.cause, undefined, "a list ends no static pod");
  });
});

Deno.test("StaticSource leaves a pod failed that can never run here, until its file changes", async () => {
  const away = { create: () => Promise.reject(new Error("nobody answers")) };
  await withSource(away, async ({ world, agent, source, write }) => {
    await world.phase(NAME, "Running");
    await write("spin", { hostPID: true });
    const reason = "HostNamespaceNotSupported";
    await world.eventually("it is refused", () => world.status(NAME).reason === reason);
    const refusals = (): number => world.events.filter((event) => event.reason === reason).length;
    assert.equal(refusals(), 1);
    // The next agent knows it again: it tells the mirror, and tries nothing.
    await agent.shutdown(0);
    const [said, runs] = [world.said.length, world.runs.length];
    const next = world.agent();
    await source.start(next);
    await world.eventually("it says so", () => world.said.length > said);
    assert.deepEqual([world.status(NAME).phase, world.status(NAME).reason], ["Failed", reason]);
    assert.deepEqual([refusals(), world.runs.length], [1, runs]);
    await write("spin");
    await world.eventually("the corrected one runs", () => world.runs.length === runs + 1);
    await next.shutdown(0);
  });
});
