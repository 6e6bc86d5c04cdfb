import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { ImageFolder, ImageRequest } from "../images/images.ts";
import { ImageVolumes } from "./image_volumes.ts";

const { signal } = new AbortController();
const POD: Pod = {
  metadata: { name: "web", namespace: "shop", uid: "u1" },
  spec: {
    serviceAccountName: "robot",
    imagePullSecrets: [{ name: "key" }, { name: "none" }],
    containers: [],
  },
};
const FOUND: ImageFolder = { imageId: "r.io/a@sha256:0", path: "/trees/a", pulled: true };

/** Image volumes over a store that answers as it is told. */
class Room {
  readonly requests: ImageRequest[] = [];
  readonly events: string[] = [];
  answer: () => Promise<ImageFolder> = () => Promise.resolve(FOUND);
  nowMs = 0;
  readonly volumes = new ImageVolumes({
    nowMs: () => this.nowMs,
    images: {
      folder: (request, { onPull }) => {
        this.requests.push(request);
        onPull?.();
        return this.answer();
      },
    },
    events: { tell: ({ reason, message }) => void this.events.push(`${reason} ${message}`) },
    objects: {
      configMap: () => Promise.resolve(undefined),
      secret: (_namespace, name) =>
        Promise.resolve(name === "key" ? { metadata: { name } } : undefined),
      token: () => Promise.reject(new Error("no tokens here")),
    },
  });

  files(reference = "r.io/a:1"): ReturnType<ImageVolumes["files"]> {
    return this.volumes.files({ reference, pullPolicy: "Always" }, { pod: POD, signal });
  }
}

Deno.test("ImageVolumes.files() pulls with the pod's own secrets and tells of it", async () => {
  const room = new Room();
  assert.deepEqual(await room.files(), { path: "/trees/a", imageId: "r.io/a@sha256:0" });
  assert.deepEqual(room.requests, [{
    image: "r.io/a:1",
    policy: "Always",
    secrets: [{ metadata: { name: "key" } }],
    pod: { namespace: "shop", name: "web", uid: "u1", serviceAccount: "robot" },
  }]);
  assert.deepEqual(room.events.map((text) => text.split(" ")[0]), [
    "FailedToRetrieveImagePullSecret",
    "Pulling",
    "Pulled",
  ]);
});

Deno.test("ImageVolumes.files() does not ask a registry again before its time", async () => {
  const room = new Room();
  room.answer = () => Promise.reject(new KubeletError("image_pull", "the registry answered 503"));
  await assert.rejects(room.files(), /^KubeletError: the registry answered 503$/);
  room.nowMs = 9_999;
  await assert.rejects(
    room.files(),
    /Back-off pulling image "r.io\/a:1": the registry answered 503/,
  );
  assert.equal(room.requests.length, 1);
  room.nowMs = 10_000;
  await assert.rejects(room.files(), /^KubeletError: the registry/);
  room.nowMs = 29_999;
  await assert.rejects(room.files(), /Back-off/);
  await assert.rejects(room.files("r.io/other"), /^KubeletError: the registry/);
  room.nowMs = 30_000;
  room.answer = () => Promise.resolve(FOUND);
  await room.files();
  await room.files();
});

Deno.test("ImageVolumes.files() rejects an image that can never be unpacked", async () => {
  const room = new Room();
  room.answer = () =>
    Promise.reject(new KubeletError("image_pull", "no platform", { reason: "UnsupportedImage" }));
  await assert.rejects(room.files(), { code: "rejected", reason: "UnsupportedImage" });
});
