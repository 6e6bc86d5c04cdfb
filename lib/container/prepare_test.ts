import assert from "node:assert/strict";
import { join } from "node:path";
import type { Container, VolumeMount } from "../api/types.ts";
import { isKubeletError } from "../errors.ts";
import { namesIn, removeTree } from "../files.ts";
import { type TreeEntry, TreeIndex } from "../images/layout/tree_index.ts";
import type { ContainerRun } from "../provider.ts";
import { prepareRun } from "./prepare.ts";
import type { ContainerServices } from "./services.ts";

interface Place {
  /** Where the one volume is; a folder. */
  readonly volume: string;
  readonly rootPath: string;
  readonly elsewhere: string;
  prepare(...volumeMounts: VolumeMount[]): Promise<ContainerRun>;
  /** The same for a container with more wishes. */
  prepareModule(spec: Partial<Container>): Promise<ContainerRun>;
  /** The same for an image that is this tree, and a container with more wishes. */
  prepareTree(
    tree: {
      readonly entries: readonly TreeEntry[];
      readonly readOnly?: boolean;
      readonly user?: string;
    },
    spec?: Partial<Container>,
  ): Promise<ContainerRun>;
  /** The root of an image's tree; empty. */
  readonly tree: string;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [volume, elsewhere, tree, podsDir] = ["volume", "elsewhere", "tree", "pods"]
    .map((name) => join(folder, name)) as [string, string, string, string];
  for (const made of [volume, elsewhere, tree]) await Deno.mkdir(made);
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
  const prepareWith = (
    image: object,
    more: Partial<Container>,
  ): Promise<ContainerRun> => {
    const spec: Container = { name: "app", ...more };
    return prepareRun(services, {
      pod: {
        metadata: { name: "web", namespace: "default", uid: "u-1" },
        spec: { containers: [spec], enableServiceLinks: false },
      },
      spec,
      image: { image: "i", imageId: "i", moduleName: "m", ...image } as never,
      mounted: new Map([["data", { hostPath: volume, readOnly: false }]]),
      attempt: 0,
      signal: new AbortController().signal,
    });
  };
  const prepareModule: Place["prepareModule"] = (spec) =>
    prepareWith({ module: { path: "/m.wasm", digest: "sha256:0" } }, spec);
  const prepare = (...volumeMounts: VolumeMount[]): Promise<ContainerRun> =>
    prepareModule({ volumeMounts });
  const prepareTree: Place["prepareTree"] = (
    { entries, readOnly = false, ...more },
    spec = {},
  ) =>
    prepareWith({
      ...more,
      tree: { id: "t", path: tree, index: new TreeIndex(entries), readOnly },
      workingDir: "/srv",
      imageEnv: { PATH: "/apps", A: "of the image" },
      entrypoint: ["app.wasm"],
      cmd: ["-v"],
    }, spec);
  try {
    const rootPath = join(podsDir, "u-1/containers/app/0");
    await work({ volume, elsewhere, tree, rootPath, prepare, prepareModule, prepareTree });
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
    assert.deepEqual((await namesIn(rootPath)).toSorted(), ["dev", "etc"]);
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

const APP: readonly TreeEntry[] = [
  { kind: "folder", path: "apps" },
  { kind: "file", path: "apps/app.wasm", size: 8, digest: "sha256:1", wasm: true },
  { kind: "link", path: "ls", target: "apps/app.wasm" },
  { kind: "folder", path: "run" },
  { kind: "folder", path: "var" },
  { kind: "link", path: "var/run", target: "../run" },
];

async function layApp(tree: string): Promise<void> {
  for (const name of ["apps", "run", "var"]) await Deno.mkdir(join(tree, name));
  await Deno.writeTextFile(join(tree, "apps/app.wasm"), "\0asm\x01\0\0\0");
  await Deno.symlink("apps/app.wasm", join(tree, "ls"));
  await Deno.symlink("../run", join(tree, "var/run"));
}

Deno.test("prepareRun() tells a container its host name, unless it says another itself", () =>
  inPlace(async ({ prepareModule }) => {
    const args = ["$(HOSTNAME)"];
    const plain = await prepareModule({ args });
    assert.deepEqual([plain.env, plain.argv.at(-1)], [{ HOSTNAME: "web" }, "$(HOSTNAME)"]);
    const own = await prepareModule({ args, env: [{ name: "HOSTNAME", value: "mine" }] });
    assert.deepEqual([own.env, own.argv.at(-1)], [{ HOSTNAME: "mine" }, "mine"]);
  }));

Deno.test("prepareRun() gives a container a copy of its image's tree, and the module from the tree itself", () =>
  inPlace(async ({ tree, rootPath, prepareTree }) => {
    await layApp(tree);
    const run = await prepareTree({ entries: APP }, { env: [{ name: "A", value: "of the pod" }] });
    assert.deepEqual(run.module, { path: join(tree, "apps/app.wasm"), digest: "sha256:1" });
    assert.deepEqual(run.argv, ["app.wasm", "-v"]);
    assert.deepEqual(run.env, { HOSTNAME: "web", PATH: "/apps", A: "of the pod" });
    assert.equal(run.workingDir, "/srv");
    assert.equal(run.rootPath, rootPath);
    assert.equal(run.readOnlyRoot, undefined);
    const names = (await namesIn(rootPath)).toSorted();
    assert.deepEqual(names, ["apps", "dev", "etc", "ls", "run", "srv", "var"]);
    assert.equal(await Deno.readTextFile(join(rootPath, "etc/hostname")), "web\n");
    const linked = await prepareTree({ entries: APP }, { command: ["/ls"], workingDir: "/x" });
    assert.deepEqual([linked.argv, linked.module, linked.workingDir], [["/ls"], run.module, "/x"]);
  }));

Deno.test("prepareRun() shares the tree with a guest that changes nothing, if no folder is to be made", () =>
  inPlace(async ({ tree, rootPath, prepareTree }) => {
    await layApp(tree);
    const readOnly = { securityContext: { readOnlyRootFilesystem: true } };
    const mount = (mountPath: string): VolumeMount[] => [{ name: "data", mountPath }];
    for (const image of [{ entries: APP, readOnly: true }, { entries: APP }]) {
      const spec = {
        ...(image.readOnly ? {} : { ...readOnly, workingDir: "/var/run" }),
        volumeMounts: mount("/run"),
      };
      const run = await prepareTree(image, spec);
      assert.deepEqual([run.rootPath, run.readOnlyRoot], [tree, true]);
    }
    for (
      const more of [{ workingDir: "/run", volumeMounts: mount("/new") }, { workingDir: "/new" }]
    ) {
      const run = await prepareTree({ entries: APP }, { ...readOnly, ...more });
      assert.deepEqual([run.rootPath, run.readOnlyRoot], [rootPath, true]);
      assert.ok((await namesIn(rootPath)).includes("run"));
    }
  }));

Deno.test("prepareRun() gives last words a place, also in a root that nothing is written in", () =>
  inPlace(async ({ tree, rootPath, prepareTree }) => {
    await layApp(tree);
    const readOnly = { securityContext: { readOnlyRootFilesystem: true } };
    const writable = await prepareTree({ entries: APP }, {});
    assert.deepEqual([writable.mounts, writable.rootPath], [[], rootPath]);
    assert.ok((await Deno.stat(join(rootPath, "dev"))).isDirectory);
    const { mounts } = await prepareTree({ entries: APP }, readOnly);
    const [{ hostPath = "", ...rest } = {}, ...more] = mounts;
    assert.deepEqual([rest, more], [{ guestPath: "/dev", readOnly: false, unlisted: true }, []]);
    assert.deepEqual(await namesIn(hostPath), []);
    assert.deepEqual((await namesIn(tree)).toSorted(), ["apps", "ls", "run", "var"]);
    const beside = { ...readOnly, terminationMessagePath: "/apps/words" };
    assert.deepEqual(
      (await prepareTree({ entries: APP }, beside)).mounts,
      [],
      "it would hide files",
    );
  }));

Deno.test("prepareRun() mounts the pod's names over a root that it shares, among the image's own files", () =>
  inPlace(async ({ tree, rootPath, prepareTree }) => {
    await layApp(tree);
    const readOnly = { securityContext: { readOnlyRootFilesystem: true }, workingDir: "/run" };
    const run = await prepareTree({ entries: APP }, readOnly);
    const names = run.mounts.find(({ guestPath }) => guestPath === "/etc");
    assert.deepEqual([run.rootPath, names?.readOnly, names?.unlisted], [tree, true, true]);
    const read = (mount: typeof names, name: string): Promise<string> =>
      Deno.readTextFile(join(mount?.hostPath ?? "", name));
    assert.match(await read(names, "hosts"), /^# Kubernetes-managed hosts file\./);
    assert.equal(await read(names, "hostname"), "web\n");
    await Deno.mkdir(join(tree, "etc/app"), { recursive: true });
    for (const name of ["hosts", "app/conf"]) {
      await Deno.writeTextFile(join(tree, "etc", name), "of the image");
    }
    await Deno.symlink("../run/release", join(tree, "etc/release"));
    await Deno.writeTextFile(join(tree, "run/release"), "1.0");
    const file = (path: string): TreeEntry => ({ kind: "file", path, size: 9, digest: "sha256:2" });
    const folders = ["etc", "etc/app"].map((path) => ({ kind: "folder", path }) as const);
    const link = { kind: "link", path: "etc/release", target: "../run/release" } as const;
    const entries = [...APP, ...folders, file("etc/hosts"), file("etc/app/conf")];
    const more = await prepareTree({ entries: [...entries, file("run/release"), link] }, readOnly);
    const etc = more.mounts.find(({ guestPath }) => guestPath === "/etc");
    assert.match(await read(etc, "hosts"), /^# Kubernetes-managed hosts file\./);
    assert.equal(await read(etc, "app/conf"), "of the image");
    assert.equal(await read(etc, "release"), "1.0");
    assert.equal(await Deno.readTextFile(join(tree, "etc/hosts")), "of the image");
    assert.ok(!(await namesIn(rootPath)).includes("etc"));
    // Links to folders would lead nowhere in a copy: the image's own has to do.
    const odd = [...entries, { kind: "link", path: "etc/all", target: "/run" } as const];
    const left = await prepareTree({ entries: odd }, readOnly);
    assert.ok(!left.mounts.some(({ guestPath }) => guestPath === "/etc"));
    // Who mounts something there sees that.
    const volumeMounts: VolumeMount[] = [{ name: "data", mountPath: "/etc" }];
    const own = await prepareTree({ entries }, { ...readOnly, volumeMounts });
    assert.equal(own.mounts.filter(({ guestPath }) => guestPath === "/etc").length, 1);
  }));

Deno.test("prepareRun() mounts behind a link of the image by both of its names", () =>
  inPlace(async ({ tree, volume, rootPath, prepareTree }) => {
    await layApp(tree);
    await Deno.writeTextFile(join(volume, "conf"), "1");
    const { mounts } = await prepareTree({ entries: APP }, {
      volumeMounts: [
        { name: "data", mountPath: "/var/run/secrets" },
        { name: "data", mountPath: "/var/run/conf", subPath: "conf" },
      ],
    });
    assert.deepEqual(mounts.map(({ guestPath }) => guestPath), [
      "/var/run/secrets",
      "/run/secrets",
    ]);
    assert.equal(await Deno.readTextFile(join(rootPath, "run/conf")), "1");
  }));

Deno.test("prepareRun() never follows a link of the image out of the root", () =>
  inPlace(async ({ tree, volume, elsewhere, rootPath, prepareTree }) => {
    await Deno.writeTextFile(join(volume, "conf"), "1");
    await layApp(tree);
    // Unpacking makes no such link. If one came about, the guest's own root would still be its end.
    await Deno.symlink(elsewhere, join(tree, "out"));
    const out: TreeEntry = { kind: "link", path: "out", target: elsewhere };
    await prepareTree({ entries: [...APP, out] }, {
      volumeMounts: [{ name: "data", mountPath: "/out/conf", subPath: "conf" }],
    });
    assert.equal(await Deno.readTextFile(join(rootPath, elsewhere, "conf")), "1");
    assert.deepEqual(await namesIn(elsewhere), []);
  }));

Deno.test("prepareRun() says which modules an image has if it has not the one that is wanted", () =>
  inPlace(async ({ prepareTree }) => {
    await assert.rejects(
      prepareTree({ entries: APP }, { command: ["sh", "-c"] }),
      (error) => isKubeletError(error, "entrypoint") && /"\/apps\/app.wasm"/.test(error.message),
    );
  }));

Deno.test("prepareRun() makes the working directory, in the root or in a volume, and nowhere else", () =>
  inPlace(async ({ volume, elsewhere, tree, rootPath, prepareTree }) => {
    await layApp(tree);
    const at = async (workingDir: string, more: Partial<Container> = {}): Promise<string> =>
      (await prepareTree({ entries: APP }, { workingDir, ...more })).workingDir ?? "/";
    assert.equal(await at("/a//b/./c/"), "/a/b/c");
    assert.ok((await Deno.stat(join(rootPath, "a/b/c"))).isDirectory);
    assert.equal(await at("/var/run/app"), "/var/run/app");
    assert.ok((await Deno.stat(join(rootPath, "run/app"))).isDirectory);
    assert.equal(await at("/../../up"), "/up");
    assert.ok((await Deno.stat(join(rootPath, "up"))).isDirectory);
    assert.equal(await at(""), "/srv");
    const volumeMounts = [{ name: "data", mountPath: "/data" }];
    assert.equal(await at("/data/x/y", { volumeMounts }), "/data/x/y");
    assert.ok((await Deno.stat(join(volume, "x/y"))).isDirectory);
    await Deno.symlink(elsewhere, join(volume, "out"));
    await Deno.writeTextFile(join(volume, "file"), "");
    const readOnly = [{ name: "data", mountPath: "/data", readOnly: true }];
    const rows: [string, VolumeMount[], RegExp][] = [
      ["/apps/app.wasm", [], /^Cannot start in folder "\/apps\/app.wasm": /],
      ["/apps/app.wasm/x", [], /a file or a link that leads nowhere is on the way$/],
      ["/data/out/made", volumeMounts, /leads out of the volume$/],
      ["/data/file", volumeMounts, /it is a file$/],
      ["/data/none", readOnly, /does not exist in the volume$/],
    ];
    for (const [path, volumeMounts, message] of rows) {
      await assert.rejects(at(path, { volumeMounts }), { code: "entrypoint", message }, path);
    }
    assert.deepEqual(await namesIn(elsewhere), []);
    assert.equal(await at("/data/x", { volumeMounts: readOnly }), "/data/x");
  }));

Deno.test("prepareRun() makes no folder for last words outside of the root", () =>
  inPlace(async ({ rootPath, prepareModule }) => {
    await prepareModule({ terminationMessagePath: "/../made/words" });
    assert.deepEqual(await namesIn(join(rootPath, "..")), ["0"]);
    assert.ok((await namesIn(rootPath)).includes("made"));
  }));

Deno.test("prepareRun() refuses a container that must not run as root, and whose image does", () =>
  inPlace(async ({ prepareTree }) => {
    await assert.rejects(
      prepareTree({ entries: APP, user: "0" }, { securityContext: { runAsNonRoot: true } }),
      {
        code: "container_config",
        message: /^container has runAsNonRoot and image will run as root/,
      },
    );
  }));
