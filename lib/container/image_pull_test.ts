import assert from "node:assert/strict";
import type { Container, Pod, Secret } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Happening } from "../events/happening.ts";
import type { ImageOnDisk, ImageRequest, Images } from "../images/images.ts";
import { ensureImage, type PullTask } from "./image_pull.ts";
import type { ContainerServices } from "./services.ts";

const POD: Pod = {
  metadata: { name: "web", namespace: "shop", uid: "p1" },
  spec: {
    containers: [],
    serviceAccountName: "robot",
    imagePullSecrets: [{ name: "known" }, { name: "gone" }],
  },
};
const SPEC: Container = { name: "c", image: "r.io/app:1" };
const FOUND: ImageOnDisk = {
  image: "r.io/app:1",
  imageId: "r.io/app@sha256:0",
  moduleName: "app",
  sizeBytes: 42,
  pulled: true,
  tookMs: 2_500,
  pullMs: 345.4,
};

interface Room {
  readonly task: PullTask;
  readonly services: ContainerServices;
  readonly waits: string[];
  readonly stop: AbortController;
  /** Events, as `Type Reason: message`. */
  readonly events: string[];
}

/** A container whose image is brought by `ensure`. */
function room(ensure: Images["ensure"]): Room {
  const stop = new AbortController();
  const waits: string[] = [];
  const events: string[] = [];
  const secret: Secret = { metadata: { name: "known" } };
  const services = {
    images: { ensure },
    events: {
      tell: ({ type, reason, message }: Happening) => events.push(`${type} ${reason}: ${message}`),
    },
    objects: {
      secret: (_namespace: string, name: string) =>
        Promise.resolve(name === "known" ? secret : undefined),
    },
  } as unknown as ContainerServices;
  const task: PullTask = {
    pod: () => POD,
    spec: SPEC,
    fieldPath: "spec.containers{c}",
    waiting: (reason) => {
      waits.push(reason);
      // What follows is only to wait and to try again.
      if (reason === "ImagePullBackOff") stop.abort();
    },
    stop: stop.signal,
  };
  return { task, services, waits, stop, events };
}

Deno.test("ensureImage() tells of a pull in a kubelet's words, and how far it is", async () => {
  let asked: ImageRequest | undefined;
  const { task, services, events } = room((request, { onPull, onProgress }) => {
    asked = request;
    onPull?.();
    onProgress?.({ doneBytes: 3 << 20, totalBytes: 10 << 20 });
    return Promise.resolve(FOUND);
  });
  assert.equal(await ensureImage(services, task), FOUND);
  assert.deepEqual(events.slice(1), [
    'Normal Pulling: Pulling image "r.io/app:1"',
    'Normal Pulling: Pulling image "r.io/app:1": 3.0 MiB of 10.0 MiB',
    'Normal Pulled: Successfully pulled image "r.io/app:1" in 345ms (2.500s including waiting). ' +
    "Image size: 42 bytes.",
  ]);
  assert.match(events[0]!, /FailedToRetrieveImagePullSecret: .*"gone"/);
  assert.deepEqual(asked?.secrets.map(({ metadata }) => metadata?.name), ["known"]);
  const pod = { namespace: "shop", name: "web", uid: "p1", serviceAccount: "robot" };
  assert.deepEqual(asked?.pod, pod);
});

Deno.test("ensureImage() says that an image is here and may be used", async () => {
  const { task, services, events } = room(() => Promise.resolve({ ...FOUND, pulled: false }));
  await ensureImage(services, task);
  assert.equal(
    events.at(-1),
    'Normal Pulled: Container image "r.io/app:1" already present on machine and can be accessed ' +
      "by the pod",
  );
});

for (const reason of ["SignatureValidationFailed", "RegistryUnavailable", undefined]) {
  Deno.test(`ensureImage() waits with ${reason ?? "ErrImagePull"}, and then backs off`, async () => {
    const { task, services, waits, events } = room(() => {
      const cause = new Error("the same in other words");
      const options = { cause, ...(reason ? { reason } : {}) };
      return Promise.reject(new KubeletError("image_pull", "no", options));
    });
    assert.equal(await ensureImage(services, task), undefined);
    assert.deepEqual(waits, [reason ?? "ErrImagePull", "ImagePullBackOff"]);
    assert.deepEqual(events.slice(1), [
      'Warning Failed: Failed to pull image "r.io/app:1": no',
      `Warning Failed: Error: ${reason ?? "ErrImagePull"}`,
      'Normal BackOff: Back-off pulling image "r.io/app:1"',
    ]);
  });
}
