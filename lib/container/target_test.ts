import assert from "node:assert/strict";
import type { Container } from "../api/types.ts";
import { isKubeletError } from "../errors.ts";
import { running } from "./_session.ts";
import { RunningContainers } from "./running.ts";
import { targetMounts } from "./target.ts";

const debug = (target?: string): Container => ({
  name: "debug",
  image: "debug:v1",
  ...(target === undefined ? {} : { targetContainerName: target }),
});

Deno.test("targetMounts() shows a target's root and mounts, with the target's own rights", () => {
  const all = new RunningContainers();
  all.add(running({
    run: {
      readOnlyRoot: true,
      mounts: [{ hostPath: "/pods/v", guestPath: "/data", readOnly: false }],
    },
  }));
  assert.deepEqual(targetMounts(debug("app"), { uid: "uid", running: all }), [
    { hostPath: "/root", guestPath: "/proc/1/root", readOnly: true },
    { hostPath: "/pods/v", guestPath: "/proc/1/root/data", readOnly: false },
  ]);
  assert.deepEqual(targetMounts(debug(), { uid: "uid", running: all }), []);
});

Deno.test("targetMounts() shows a volume that is a target's root", () => {
  const all = new RunningContainers();
  all.add(running({ run: { mounts: [{ hostPath: "/pods/v", guestPath: "/", readOnly: true }] } }));
  assert.deepEqual(targetMounts(debug("app"), { uid: "uid", running: all }), [
    { hostPath: "/pods/v", guestPath: "/proc/1/root", readOnly: true },
  ]);
});

Deno.test("targetMounts() waits for a target that does not run, and sees no other pod's", () => {
  const all = new RunningContainers();
  all.add(running());
  for (const [target, uid] of [["none", "uid"], ["app", "other"]] as const) {
    assert.throws(
      () => targetMounts(debug(target), { uid, running: all }),
      (error) => isKubeletError(error, "container_config"),
    );
  }
});
