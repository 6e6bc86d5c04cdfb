import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Container, VolumeMount } from "../api/types.ts";
import { containerMounts } from "./mounts.ts";
import type { MountedVolume } from "./source.ts";

function containerWith(...volumeMounts: VolumeMount[]): Container {
  return { name: "app", volumeMounts };
}

/** Any folders and any file that are there. */
const FILE = await Deno.realPath(import.meta.filename!);
const DATA = dirname(FILE);
const CONFIG = dirname(DATA);

const MOUNTED: ReadonlyMap<string, MountedVolume> = new Map([
  ["data", { hostPath: DATA, readOnly: false }],
  ["config", { hostPath: CONFIG, readOnly: true }],
  ["file", { hostPath: FILE, readOnly: false, isFile: true }],
  ["device", { hostPath: "/dev/zero", readOnly: false, isFile: true }],
]);

Deno.test("containerMounts() gives folders and files apart, nearest to the root first", async () => {
  const container = containerWith(
    { name: "config", mountPath: "/data/etc/" },
    { name: "data", mountPath: "data" },
    { name: "data", mountPath: "/ro//x/../copy", readOnly: true },
    { name: "file", mountPath: "/run/s" },
  );
  assert.deepEqual(await containerMounts(container, MOUNTED, {}), {
    mounts: [
      { hostPath: DATA, guestPath: "/data", readOnly: false },
      { hostPath: CONFIG, guestPath: "/data/etc", readOnly: true },
      { hostPath: DATA, guestPath: "/ro/copy", readOnly: true },
    ],
    files: [{ hostPath: FILE, guestPath: "/run/s", readOnly: false }],
  });
  assert.deepEqual(await containerMounts({ name: "app" }, MOUNTED, {}), { mounts: [], files: [] });
});

Deno.test("containerMounts() tells a volume's real path", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(join(folder, "real/data"), { recursive: true });
    await Deno.symlink("real", join(folder, "link"));
    const mounted = new Map([["data", { hostPath: join(folder, "link/data"), readOnly: false }]]);
    const container = containerWith({ name: "data", mountPath: "/a" });
    const { mounts } = await containerMounts(container, mounted, {});
    assert.deepEqual(mounts.map(({ hostPath }) => hostPath), [join(folder, "real/data")]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("containerMounts() refuses what no container could have", async () => {
  const rows: [VolumeMount[], RegExp][] = [
    [
      [{ name: "nope", mountPath: "/x" }],
      /cannot find volume "nope" to mount into container "app"/,
    ],
    [
      [{ name: "data", mountPath: "/x", recursiveReadOnly: "Enabled" }],
      /volume "data" requested recursive read-only mode, but it is not read-only/,
    ],
    [
      [{ name: "data", mountPath: "/x" }, { name: "file", mountPath: "/x/sub/f" }],
      /single file at "\/x\/sub\/f" of container "app": the volume at "\/x" covers it/,
    ],
    [[{ name: "data", mountPath: "/" }], /must not be the root/],
    [[{ name: "data", mountPath: "/a/.." }], /must not be the root/],
    [[{ name: "data", mountPath: "" }], /must not be the root/],
    [[{ name: "device", mountPath: "/zero" }], /"\/dev\/zero" is a socket, device or pipe/],
    [[{ name: "data", mountPath: "/a:b" }], /must not contain ':'/],
    [[{ name: "data", mountPath: "/a\\..\\..\\b" }], /must not contain .* a backslash/],
    [[{ name: "data", mountPath: "/a\0" }], /must not contain .* a zero byte/],
    [
      [{ name: "data", mountPath: "/a" }, { name: "config", mountPath: "/b/../a/" }],
      /volumeMount "config" of container "app": "\/a" is mounted twice/,
    ],
    [[{ name: "data", mountPath: "/a", subPathExpr: "$(NOPE)" }], /missing value for "NOPE"/],
    [[{ name: "data", mountPath: "/a", subPathExpr: "$(toString)" }], /missing value for/],
  ];
  for (const [volumeMounts, message] of rows) {
    await assert.rejects(containerMounts(containerWith(...volumeMounts), MOUNTED, {}), {
      name: "KubeletError",
      code: "container_config",
      message,
    });
  }
});

Deno.test("containerMounts() mounts a subPath, made if guests may write to the volume", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(join(root, "app.yaml"), "");
    const mounted = new Map([
      ["data", { hostPath: root, readOnly: false }],
      ["config", { hostPath: root, readOnly: true }],
    ]);
    const container = containerWith(
      { name: "data", mountPath: "/logs", subPathExpr: "logs/$(POD)-$$1" },
      { name: "config", mountPath: "/etc/app.yaml", subPath: "app.yaml" },
      { name: "data", mountPath: "/whole", subPath: "" },
    );
    assert.deepEqual(await containerMounts(container, mounted, { POD: "web-0" }), {
      mounts: [
        { hostPath: join(root, "logs/web-0-$1"), guestPath: "/logs", readOnly: false },
        { hostPath: root, guestPath: "/whole", readOnly: false },
      ],
      files: [{ hostPath: join(root, "app.yaml"), guestPath: "/etc/app.yaml", readOnly: true }],
    });
    assert.equal((await Deno.stat(join(root, "logs/web-0-$1"))).isDirectory, true);

    const missing = containerWith({ name: "config", mountPath: "/x", subPath: "nope" });
    await assert.rejects(containerMounts(missing, mounted, {}), {
      code: "container_config",
      message: 'failed to prepare volumeMount "config" of container "app": ' +
        'subPath "nope" does not exist in the volume',
    });
    const escape = containerWith({ name: "data", mountPath: "/x", subPathExpr: "$(UP)" });
    await assert.rejects(
      containerMounts(escape, mounted, { UP: "../.." }),
      /must not contain '\.\.'/,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
