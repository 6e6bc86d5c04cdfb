import assert from "node:assert/strict";
import { join } from "node:path";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "../api/types.ts";
import type { FakeStorage } from "./fake_objects.ts";
import { podWith } from "./fake_objects.ts";
import { inRoom, look } from "./fake_room.ts";

const DATA: Volume = { name: "data", persistentVolumeClaim: { claimName: "disk" } };

Deno.test("PodVolumes.mountAll() mounts hostPath and local volumes by their claims", () =>
  inRoom(async ({ objects, volumes, root, mount }) => {
    const path = join(root, "disk");
    await Deno.mkdir(path);
    await Deno.writeTextFile(join(path, "f"), "kept");
    for (const source of [{ local: { path } }, { hostPath: { path } }]) {
      objects.storage.bind("disk", source);
      const folder = await mount(DATA);
      assert.equal(folder, path);
      assert.deepEqual(look(folder), { f: "kept" });
    }
    await volumes.unmountAll("7a1e-22");
    assert.deepEqual(look(path), { f: "kept" });
  }));

Deno.test("PodVolumes.mountAll() mounts a claim readOnly if the volume says so", () =>
  inRoom(async ({ objects, volumes, root, signal }) => {
    objects.storage.bind("disk", { local: { path: root } });
    const readOnly: Volume = {
      name: "r",
      persistentVolumeClaim: { claimName: "disk", readOnly: true },
    };
    const mounted = await volumes.mountAll(podWith([readOnly, DATA]), signal);
    assert.deepEqual([mounted.get("r")?.readOnly, mounted.get("data")?.readOnly], [true, false]);
  }));

Deno.test("PodVolumes.mountAll() waits, in a kubelet's words, for a claim that is not right", () =>
  inRoom(async ({ objects: { storage }, root, mount }) => {
    const claim = (change: (claim: PersistentVolumeClaim) => void) => (): void =>
      change(storage.bind("disk", { local: { path: root } }));
    const volume = (more: NonNullable<PersistentVolume["spec"]>) => (): void =>
      void storage.bind("disk", { local: { path: root }, ...more });
    const rows: [() => void, RegExp][] = [
      [() => storage.claims.clear(), /failed to fetch PVC: it does not exist$/],
      [claim((c) => c.status = { phase: "Pending" }), /PVC is not bound$/],
      [claim((c) => c.spec = {}), /PVC has empty pvc.Spec.VolumeName$/],
      [claim((c) => c.metadata!.deletionTimestamp = "now"), /PVC is being deleted$/],
      [claim((c) => c.spec = { volumeName: "no" }), /failed to fetch PV no: it does not exist$/],
      [claim((c) => c.metadata!.uid = "new"), /the claimRef of PV pv-disk has UID uid-disk/],
      [volume({ claimRef: {} }), /claimRef of PV pv-disk has UID undefined/],
      [volume({ local: { path: join(root, "none") } }), /path ".*none" does not exist$/],
      [volume({ local: { path: "/a/../b" } }), /must not contain '\.\.'/],
      [volume({ volumeMode: "Block" }), /volume data has volumeMode Block, but is specified in/],
      [volume(onlyOn("edge-2")), /Storage node affinity check failed for volume "pv-disk"/],
    ];
    for (const [prepare, message] of rows) {
      prepare();
      await assert.rejects(mount(DATA), { code: "volume", reason: "FailedMount", message });
    }
    storage.bind("disk", { local: { path: root }, ...onlyOn("edge-1") });
    assert.equal(await mount(DATA), root);
  }));

function onlyOn(host: string): NonNullable<PersistentVolume["spec"]> {
  const matchExpressions = [{ key: "kubernetes.io/hostname", operator: "In", values: [host] }];
  return { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } };
}

Deno.test("PodVolumes.mountAll() goes on with a claim that is deleted while it is protected", () =>
  inRoom(async ({ objects, root, mount }) => {
    const claim = objects.storage.bind("disk", { local: { path: root } });
    claim.metadata!.deletionTimestamp = "2026-01-01T00:00:00Z";
    claim.metadata!.finalizers = ["kubernetes.io/pvc-protection"];
    assert.equal(await mount(DATA), root);
  }));

Deno.test("PodVolumes.mountAll() rejects a persistent volume of a kind that is not supported", () =>
  inRoom(async ({ objects, mount }) => {
    const source: object = { nfs: { server: "10.0.0.9", path: "/" } };
    objects.storage.bind("disk", source);
    await assert.rejects(mount(DATA), {
      code: "rejected",
      reason: "UnsupportedVolume",
      message: /persistent volume "pv-disk" is of no kind .*; supported: hostPath, local$/,
    });
  }));

Deno.test("PodVolumes.mountAll() takes an ephemeral claim only from the pod's own controller", () =>
  inRoom(async ({ objects: { storage }, root, volumes, signal }) => {
    const pod = podWith([{ name: "scratch", ephemeral: { volumeClaimTemplate: {} } }]);
    const mount = async (): Promise<string | undefined> =>
      (await volumes.mountAll(pod, signal)).get("scratch")?.hostPath;
    await assert.rejects(mount(), /error processing PVC shop\/web-0-scratch: failed to fetch PVC/);
    storage.bind("web-0-scratch", { local: { path: root } });
    await assert.rejects(mount(), /was not created for pod shop\/web-0 \(pod is not owner\)/);
    own(storage, pod, { controller: false });
    await assert.rejects(mount(), /pod is not owner/);
    own(storage, { ...pod, metadata: { ...pod.metadata, uid: "other" } }, { controller: true });
    await assert.rejects(mount(), /pod is not owner/);
    own(storage, pod, { controller: true });
    assert.equal(await mount(), root);
  }));

function own(
  storage: FakeStorage,
  { metadata }: Pod,
  more: { readonly controller: boolean },
): void {
  const { name = "", uid = "" } = metadata ?? {};
  storage.claims.get("shop/web-0-scratch")!.metadata!.ownerReferences = [
    { apiVersion: "v1", kind: "Pod", name, uid, ...more },
  ];
}

Deno.test("PodVolumes.mountAll() says that there is no cluster to ask for a claim", () =>
  inRoom(async ({ objects, mount }) => {
    Object.defineProperty(objects, "storage", { value: undefined });
    await assert.rejects(
      mount(DATA),
      /error processing PVC shop\/disk: there is no cluster to ask/,
    );
  }));
