import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { filledMark, rootDir } from "../container/places.ts";
import { removeTree } from "../files.ts";
import { sleep } from "../time.ts";
import { podUsage } from "./pod_usage.ts";

const MI = 2 ** 20;
const UID = "0f1e2d3c-0000-4000-8000-000000000001";
const POD: Pod = {
  metadata: { namespace: "default", name: "web", uid: UID },
  spec: { containers: [{ name: "app" }, { name: "idle" }] },
  status: {
    containerStatuses: ["app", "idle"].map((name) => ({
      name,
      image: "",
      imageID: "",
      containerID: `krustlet-wasi://${name}-id`,
      ready: true,
      restartCount: 1,
      state: name === "app" ? { running: { startedAt: "x" } } : {},
      lastState: {},
    })),
  },
};

function about(bytes: number | undefined, expected: number): void {
  const is = bytes !== undefined && bytes >= expected && bytes < expected + MI / 2;
  assert.ok(is, `${bytes} is not about ${expected}`);
}

Deno.test("podUsage() counts roots without the image's own files, logs, volumes and memory", async () => {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-usage-" });
  try {
    const [podsDir, logsDir] = [`${dir}/pods`, `${dir}/logs`];
    const write = async (path: string, mebibytes: number): Promise<void> => {
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(path, new Uint8Array(mebibytes * MI).fill(7));
    };
    const root = rootDir(podsDir, UID, "app", 1);
    await write(`${root}/bin/of-the-image`, 9);
    await Deno.writeFile(filledMark(root), new Uint8Array());
    const filledMs = (await Deno.stat(filledMark(root))).mtime!.getTime();
    while (Date.now() <= filledMs + 20) await sleep(5);
    await write(`${root}/own`, 2);
    await write(`${rootDir(podsDir, UID, "idle", 0)}/own`, 3);
    await write(`${logsDir}/default_web_${UID}/app/1.log`, 1);
    await write(`${podsDir}/${UID}/volumes/kubernetes.io~empty-dir/scratch/file`, 4);
    await write(`${dir}/memory/${UID}/fast/file`, 1);
    const { disk, memory, memoryVolumes, pids } = await podUsage(POD, {
      podsDir,
      logsDir,
      memoryFolder: (uid) => `${dir}/memory/${uid}`,
      provider: {
        usage: (id) =>
          Promise.resolve({
            memoryBytes: id === "app-id" ? 5 : 6,
            threads: id === "app-id" ? 7 : 100,
          }),
      },
      signal: AbortSignal.timeout(30_000),
    });
    about(disk.containers.get("app"), 3 * MI);
    about(disk.containers.get("idle"), 3 * MI);
    about(disk.logs?.get("app"), MI);
    about(disk.volumes.get("scratch"), 4 * MI);
    assert.ok(disk.inodes >= 4);
    assert.ok(disk.whole);
    about(memoryVolumes.bytes, MI);
    assert.ok(memoryVolumes.whole);
    assert.deepEqual([...memory], [["app", 5]], "one that does not run has none");
    assert.equal(pids, 7);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

const NOWHERE = {
  podsDir: "/nowhere/p",
  logsDir: "/nowhere/l",
  memoryFolder: () => undefined,
  provider: {},
  signal: AbortSignal.timeout(30_000),
};

Deno.test("podUsage() finds nothing of a pod that has not begun", async () => {
  const { spec, metadata } = POD;
  const usage = await podUsage({ spec: spec!, metadata: metadata! }, NOWHERE);
  assert.deepEqual([...usage.disk.volumes], []);
  assert.deepEqual([usage.disk.containers.get("app"), usage.memory.size], [0, 0]);
});

Deno.test("podUsage() says which container runs and cannot be measured", async () => {
  assert.deepEqual([...(await podUsage(POD, NOWHERE)).memory], [["app", undefined]]);
});

Deno.test("podUsage() says that it cannot count all of a root that is too deep", async () => {
  const podsDir = await Deno.makeTempDir({ prefix: "krustlet-usage-" });
  try {
    const root = rootDir(podsDir, UID, "app", 0);
    await Deno.mkdir(root, { recursive: true });
    // As a guest does it: folder by folder, so that the whole path is longer than any path may be.
    const name = "d".repeat(250);
    const script =
      `for (let i = 0; i < 20; i++) { Deno.mkdirSync("${name}"); Deno.chdir("${name}"); }`;
    const args = ["eval", script];
    const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
    assert.ok(success);
    assert.equal((await podUsage(POD, { ...NOWHERE, podsDir })).disk.whole, false);
  } finally {
    await removeTree(podsDir);
  }
});
