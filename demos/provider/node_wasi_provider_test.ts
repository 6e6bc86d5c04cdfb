/** The examination that every provider has to pass, for the one of the guide. */
import assert from "node:assert/strict";
import loadWabt from "wabt";
import { type ContainerRun, isKubeletError, type Pod } from "../../lib/mod.ts";
// #region examination
import { type GuestBehaviour, type ProviderFixture, testProvider } from "../../lib/testing/mod.ts";
import { guestText } from "./_guests.ts";
import { NodeWasiProvider } from "./node_wasi_provider.ts";

testProvider("NodeWasiProvider", openFixture);

async function openFixture(): Promise<ProviderFixture> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const provider = new NodeWasiProvider();
  let runs = 0;
  return {
    provider,
    async guest(behaviour): Promise<ContainerRun> {
      const path = `${folder}/${runs++}`;
      await Deno.mkdir(`${path}/root`, { recursive: true });
      await Deno.writeFile(`${path}/app.wasm`, await moduleFor(behaviour));
      return {
        id: String(runs).padStart(64, "0"),
        pod: { uid: "u", namespace: "default", name: "examined" },
        container: "app",
        attempt: 0,
        module: { path: `${path}/app.wasm`, digest: `sha256:${"0".repeat(64)}` },
        argv: ["app"],
        env: {},
        rootPath: `${path}/root`,
        mounts: [],
        logPath: `${path}/app.log`,
        limits: {},
      };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await provider.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
// #endregion examination

async function moduleFor(behaviour: GuestBehaviour): Promise<Uint8Array<ArrayBuffer>> {
  if (behaviour.does === "nothing") return new TextEncoder().encode("no module at all");
  const wabt = await loadWabt();
  const module = wabt.parseWat("guest.wat", guestText(behaviour), {});
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

Deno.test("NodeWasiProvider.validate() refuses what it cannot keep", () => {
  const provider = new NodeWasiProvider();
  const pod = (container: object): Pod => ({
    metadata: { name: "p", namespace: "default", uid: "u" },
    spec: { containers: [{ name: "app", image: "registry.example/app:1", ...container }] },
  });
  provider.validate(pod({ resources: { limits: { cpu: "1" } } }));
  for (
    const [container, words] of [
      [{ resources: { limits: { memory: "64Mi" } } }, /memory/],
      [{ volumeMounts: [{ name: "v", mountPath: "/v" }] }, /volumes/],
    ] as const
  ) {
    assert.throws(() => provider.validate(pod(container)), (error) => {
      assert.ok(isKubeletError(error, "rejected"));
      assert.match(error.message, words);
      return true;
    });
  }
});

Deno.test("NodeWasiProvider.run() refuses folders that it could not keep read-only", async () => {
  await using fixture = await openFixture();
  const run = { ...await fixture.guest({ does: "exits", code: 0 }), readOnlyRoot: true };
  const never = new AbortController().signal;
  const control = { stop: never, kill: never, onStarted: () => assert.fail("it has started") };
  assert.equal((await fixture.provider.run(run, control)).kind, "start_error");
});
