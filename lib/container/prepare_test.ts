import assert from "node:assert/strict";
import { join } from "node:path";
import type { Container, VolumeMount } from "../api/types.ts";
import { namesIn, removeTree } from "../files.ts";
import type { ContainerRun } from "../provider.ts";
import { prepareRun } from "./prepare.ts";
import type { ContainerServices } from "./services.ts";

interface Place {
  /** Where the one volume is; a folder. */
  readonly volume: string;
  readonly rootPath: string;
  readonly elsewhere: string;
  prepare(...volumeMounts: VolumeMount[]): Promise<ContainerRun>;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [volume, elsewhere, podsDir] = ["volume", "elsewhere", "pods"]
    .map((name) => join(folder, name)) as [string, string, string];
  await Deno.mkdir(volume);
  await Deno.mkdir(elsewhere);
  const nothing = (): never => assert.fail("is not asked for");
  const services: ContainerServices = {
    podsDir,
    logsDir: join(folder, "logs"),
    provider: { name: "none", nodeLabels: {}, run: nothing, close: nothing } as never,
    images: { pull: nothing } as never,
    objects: { get: nothing, list: () => [] } as never,
    events: { tell: nothing },
    facts: { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} },
  };
  const prepare = (...volumeMounts: VolumeMount[]): Promise<ContainerRun> => {
    const spec: Container = { name: "app", volumeMounts };
    return prepareRun(services, {
      pod: {
        metadata: { name: "web", namespace: "default", uid: "u-1" },
        spec: { containers: [spec], enableServiceLinks: false },
      },
      spec,
      image: {
        reference: "i",
        imageID: "i",
        module: { path: "/m.wasm", digest: "sha256:0" },
        moduleName: "m",
      } as never,
      mounted: new Map([["data", { hostPath: volume, readOnly: false }]]),
      attempt: 0,
      signal: new AbortController().signal,
    });
  };
  try {
    const rootPath = join(podsDir, "u-1/containers/app/0");
    await work({ volume, elsewhere, rootPath, prepare });
  } finally {
    await removeTree(folder);
  }
}

Deno.test("prepareRun() places a copy of a single file in the run's own root", () =>
  inPlace(async ({ volume, rootPath, prepare }) => {
    await Deno.writeTextFile(join(volume, "conf"), "1");
    const run = await prepare({ name: "data", mountPath: "/etc/app/conf", subPath: "conf" });
    assert.equal(run.rootPath, rootPath);
    assert.deepEqual(run.mounts, []);
    assert.equal(await Deno.readTextFile(join(rootPath, "etc/app/conf")), "1");
  }));

Deno.test("prepareRun() begins with an empty root, and follows no link of one before", () =>
  inPlace(async ({ volume, elsewhere, rootPath, prepare }) => {
    await Deno.writeTextFile(join(volume, "conf"), "1");
    await Deno.mkdir(join(rootPath, "left"), { recursive: true });
    await Deno.symlink(elsewhere, join(rootPath, "etc"));
    await prepare({ name: "data", mountPath: "/etc/conf", subPath: "conf" });
    assert.deepEqual(await namesIn(elsewhere), []);
    assert.deepEqual(await namesIn(rootPath), ["etc"]);
    assert.equal(await Deno.readTextFile(join(rootPath, "etc/conf")), "1");
  }));

Deno.test("prepareRun() replaces a root that is a link", () =>
  inPlace(async ({ elsewhere, rootPath, prepare }) => {
    await Deno.mkdir(join(rootPath, ".."), { recursive: true });
    await Deno.symlink(elsewhere, rootPath);
    await Deno.writeTextFile(join(elsewhere, "kept"), "");
    await prepare();
    assert.ok((await Deno.lstat(rootPath)).isDirectory);
    assert.deepEqual(await namesIn(elsewhere), ["kept"]);
  }));
