import assert from "node:assert/strict";
import { join } from "node:path";
import type { Container, Pod } from "../api/types.ts";
import { podWith } from "./fake_objects.ts";
import { inRoom, look, names } from "./fake_room.ts";
import { containerMounts } from "./mounts.ts";
import { isPodUid } from "./volumes.ts";

Deno.test("PodVolumes.mountAll() keeps volumes by the pod's UID and their kind", () =>
  inRoom(async ({ objects, volumes, podsDir, signal }) => {
    objects.addConfigMap("cm", {});
    objects.addSecret("s", {});
    const mounted = await volumes.mountAll(
      podWith([
        { name: "a", configMap: { name: "cm" } },
        { name: "b", secret: { secretName: "s" } },
        { name: "c", emptyDir: {} },
        { name: "d", downwardAPI: {} },
        { name: "e", projected: {} },
        { name: "f" },
      ]),
      signal,
    );
    const base = join(podsDir, "7a1e-22", "volumes");
    assert.deepEqual(Object.fromEntries(mounted), {
      a: { hostPath: join(base, "kubernetes.io~configmap/a"), readOnly: true },
      b: { hostPath: join(base, "kubernetes.io~secret/b"), readOnly: true },
      c: { hostPath: join(base, "kubernetes.io~empty-dir/c"), readOnly: false },
      d: { hostPath: join(base, "kubernetes.io~downward-api/d"), readOnly: true },
      e: { hostPath: join(base, "kubernetes.io~projected/e"), readOnly: true },
      f: { hostPath: join(base, "kubernetes.io~empty-dir/f"), readOnly: false },
    });
    for (const folder of [base, join(base, ".."), join(base, "kubernetes.io~secret")]) {
      assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700, folder);
    }
    assert.equal((await Deno.stat(mounted.get("c")!.hostPath)).mode! & 0o777, 0o777);
  }));

Deno.test("PodVolumes.mountAll() brings content up to date and keeps an emptyDir's files", () =>
  inRoom(async ({ objects, volumes, signal }) => {
    objects.addConfigMap("cm", { a: "1", b: "1" });
    const pod = podWith([{ name: "cfg", configMap: { name: "cm" } }, {
      name: "tmp",
      emptyDir: {},
    }]);
    const mounted = await volumes.mountAll(pod, signal);
    const [cfg, tmp] = [mounted.get("cfg")!.hostPath, mounted.get("tmp")!.hostPath];
    await Deno.writeTextFile(join(tmp, "state"), "kept");
    objects.addConfigMap("cm", { a: "2" });
    assert.deepEqual(await volumes.mountAll(pod, signal), mounted);
    assert.deepEqual(look(cfg), { a: "2" });
    assert.deepEqual(look(tmp), { state: "kept" });
  }));

Deno.test("PodVolumes.mountAll() keeps what a subPath mount shows", () =>
  inRoom(async ({ objects, volumes, signal }) => {
    objects.addConfigMap("cm", { a: "1" });
    const pod = podWith([{ name: "cfg", configMap: { name: "cm" } }]);
    const init: Container = {
      name: "i",
      volumeMounts: [{ name: "cfg", mountPath: "/etc/a", subPath: "a" }],
    };
    pod.spec!.initContainers = [init];
    const mounted = await volumes.mountAll(pod, signal);
    const { mounts, files } = await containerMounts(init, mounted, {});
    assert.deepEqual(mounts, []);
    assert.deepEqual(files.map(({ guestPath, readOnly }) => [guestPath, readOnly]), [[
      "/etc/a",
      true,
    ]]);
    objects.addConfigMap("cm", { a: "2" });
    await volumes.mountAll(pod, signal);
    assert.equal(await Deno.readTextFile(files[0]!.hostPath), "1");
    assert.deepEqual(look(mounted.get("cfg")!.hostPath), { a: "2" });
  }));

Deno.test("PodVolumes makes plain files where there are no links; a folder by subPath shows the new ones", () =>
  inRoom(async ({ objects, volumes, signal }) => {
    objects.addConfigMap("cm", { a: "1" });
    const items = [{ key: "a", path: "dir/a" }];
    const pod = podWith([{ name: "cfg", configMap: { name: "cm", items } }]);
    const { hostPath } = (await volumes.mountAll(pod, signal)).get("cfg")!;
    const part: Container = {
      name: "c",
      volumeMounts: [{ name: "cfg", mountPath: "/etc/dir", subPath: "dir" }],
    };
    pod.spec!.containers.push(part);
    const mounted = await volumes.mountAll(pod, signal);
    const { mounts } = await containerMounts(part, mounted, {});
    objects.addConfigMap("cm", { a: "2" });
    await volumes.refresh(pod, signal);
    assert.deepEqual(names(hostPath), ["dir"]);
    assert.equal((await Deno.lstat(join(hostPath, "dir/a"))).isFile, true);
    assert.deepEqual(look(mounts[0]!.hostPath), { a: "2" });
  }, { layout: "plain" }));

Deno.test("PodVolumes.mountAll() asks once for each object, and not for volumes nobody mounts", () =>
  inRoom(async ({ objects, volumes, signal }) => {
    objects.addConfigMap("cm", { a: "1" });
    const pod = podWith([
      { name: "one", configMap: { name: "cm" } },
      { name: "two", projected: { sources: [{ configMap: { name: "cm" } }] } },
      { name: "unused", configMap: { name: "absent" } },
    ]);
    pod.spec!.containers[0]!.volumeMounts!.pop();
    assert.deepEqual([...(await volumes.mountAll(pod, signal)).keys()], ["one", "two"]);
    assert.deepEqual(objects.asked, ["configMap shop/cm"]);
  }));

Deno.test("PodVolumes.mountAll() ends when it is told to", () =>
  inRoom(async ({ objects, volumes, podsDir }) => {
    const stop = new AbortController();
    stop.abort(new Error("pod is being deleted"));
    const pod = podWith([{ name: "tmp", emptyDir: {} }]);
    await assert.rejects(volumes.mountAll(pod, stop.signal), /pod is being deleted/);
    await assert.rejects(Deno.stat(podsDir), Deno.errors.NotFound);

    const later = new AbortController();
    objects.configMap = (): Promise<undefined> => {
      later.abort(new Error("pod is being deleted"));
      return Promise.reject(later.signal.reason);
    };
    const waiting = podWith([{ name: "cfg", configMap: { name: "cm" } }]);
    await assert.rejects(volumes.mountAll(waiting, later.signal), { name: "Error" });
  }));

Deno.test("PodVolumes refuses a UID that is not a plain name", () =>
  inRoom(async ({ volumes, root, signal }) => {
    await Deno.mkdir(join(root, "volumes"));
    for (const uid of ["", "..", ".", "../pods", "a/b", ".hidden"]) {
      const pod: Pod = { ...podWith([{ name: "tmp", emptyDir: {} }]), metadata: { uid } };
      await assert.rejects(volumes.mountAll(pod, signal), { code: "volume" }, uid);
      await assert.rejects(volumes.unmountAll(uid), { code: "volume" }, uid);
    }
    assert.equal((await Deno.stat(join(root, "volumes"))).isDirectory, true);
  }));

Deno.test("PodVolumes refuses volumes that checkVolumes() would have refused", () =>
  inRoom(async ({ podsDir, mount }) => {
    for (const volume of [{ name: "../../x", emptyDir: {} }, { name: "x", nfs: {} }]) {
      await assert.rejects(mount(volume), { code: "volume", reason: "FailedMount" });
    }
    await assert.rejects(Deno.stat(podsDir), Deno.errors.NotFound);
  }));

Deno.test("PodVolumes.unmountAll() removes the pod's volumes and nothing else", () =>
  inRoom(async ({ objects, volumes, podsDir, root, mount }) => {
    const precious = join(root, "precious");
    await Deno.mkdir(precious);
    await Deno.writeTextFile(join(precious, "file"), "kept");
    objects.addSecret("s", { a: "1" });
    const tmp = await mount(
      { name: "tmp", emptyDir: {} },
      { name: "host", hostPath: { path: precious } },
      { name: "s", secret: { secretName: "s", defaultMode: 0o400 } },
    );
    await Deno.symlink(precious, join(tmp, "way-out"));
    await Deno.symlink(join(precious, "file"), join(tmp, "file-out"));
    await Deno.mkdir(join(tmp, "deep/er"), { recursive: true });

    await volumes.unmountAll("7a1e-22");
    assert.deepEqual(look(precious), { file: "kept" });
    assert.deepEqual(names(podsDir), []);
    assert.equal(volumes.renewTokensAtMs("7a1e-22"), undefined);
    await volumes.unmountAll("7a1e-22");
  }));

Deno.test("PodVolumes.unmountAll() leaves what others keep in the pod's folder", () =>
  inRoom(async ({ volumes, podsDir, mount }) => {
    await mount({ name: "tmp", emptyDir: {} });
    await Deno.writeTextFile(join(podsDir, "7a1e-22", "record.json"), "{}");
    await volumes.unmountAll("7a1e-22");
    assert.deepEqual(look(join(podsDir, "7a1e-22")), { "record.json": "{}" });
  }));

Deno.test("isPodUid() is true of what can be a pod's UID and folder", () => {
  for (const uid of ["7a1e-22", "0b-other", "a".repeat(253)]) assert.ok(isPodUid(uid), uid);
  for (const no of ["", ".", "..", ".DS_Store", "lost+found", "a/b", "a\\b", "a".repeat(254)]) {
    assert.ok(!isPodUid(no), no);
  }
});

Deno.test("PodVolumes does one thing at a time for a pod", () =>
  inRoom(async ({ volumes, podsDir, signal }) => {
    const pod = podWith([{ name: "info", downwardAPI: {} }, { name: "tmp", emptyDir: {} }]);
    await Promise.all([
      volumes.mountAll(pod, signal),
      volumes.unmountAll("7a1e-22"),
      volumes.mountAll(pod, signal),
      volumes.mountAll(pod, signal),
      volumes.unmountAll("7a1e-22"),
    ]);
    assert.deepEqual(names(podsDir), []);
  }));

Deno.test("PodVolumes.excess() names the emptyDir that holds more than its limit", () =>
  inRoom(async ({ volumes, signal }) => {
    const pod = podWith([
      { name: "free", emptyDir: {} },
      { name: "tmp", emptyDir: { sizeLimit: "1Mi" } },
    ]);
    const mounted = await volumes.mountAll(pod, signal);
    const write = (name: string, bytes: number): Promise<void> =>
      Deno.writeFile(join(mounted.get(name)!.hostPath, "f"), new Uint8Array(bytes).fill(1));
    await write("free", 3 << 20);
    await write("tmp", 1 << 19);
    assert.equal(await volumes.excess(pod, { mounted, signal }), undefined);
    await write("tmp", 1 << 21);
    assert.equal(
      await volumes.excess(pod, { mounted, signal }),
      'Usage of EmptyDir volume "tmp" exceeds the limit "1Mi". ',
    );
  }));

Deno.test("PodVolumes.mountAll() mounts the files of an image, which stays in use until the end", async () => {
  const root = await Deno.makeTempDir();
  const files = (wanted: object): Promise<{ path: string; imageId: string }> => {
    assert.deepEqual(wanted, { reference: "r.io/data:1", pullPolicy: "Always" });
    return Promise.resolve({ path: root, imageId: "r.io/data@x" });
  };
  try {
    await inRoom(async ({ volumes, signal }) => {
      const image = { reference: "r.io/data:1", pullPolicy: "Always" } as const;
      const mounted = await volumes.mountAll(podWith([{ name: "data", image }]), signal);
      assert.deepEqual(mounted.get("data"), {
        hostPath: root,
        readOnly: true,
        imageId: "r.io/data@x",
      });
      assert.deepEqual(volumes.imageIds(), ["r.io/data@x"]);
      await volumes.unmountAll("7a1e-22");
      assert.deepEqual(volumes.imageIds(), []);
    }, { images: { files } });
    assert.ok((await Deno.stat(root)).isDirectory);
  } finally {
    await Deno.remove(root);
  }
});

Deno.test("PodVolumes.mountAll() says that an image volume has no reference, or no store", () =>
  inRoom(async ({ mount }) => {
    await assert.rejects(
      mount({ name: "d", image: { reference: "x" } }),
      /there is no image store/,
    );
  }));
