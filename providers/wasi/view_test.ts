import assert from "node:assert/strict";
import type { ContainerMount, ContainerRun } from "../../lib/mod.ts";
import { mountPoints, orderOf } from "./view.ts";

function run(guestPaths: readonly string[], options: Partial<ContainerRun> = {}): ContainerRun {
  const mounts: ContainerMount[] = guestPaths.map((guestPath) => {
    return { hostPath: `/host${guestPath}`, guestPath, readOnly: guestPath.includes("etc") };
  });
  return {
    id: "0".repeat(64),
    pod: { uid: "u", namespace: "n", name: "p" },
    container: "c",
    attempt: 0,
    module: { path: "/images/m", digest: `sha256:${"0".repeat(64)}` },
    argv: ["m", "x"],
    env: { A: "b" },
    rootPath: "/root",
    mounts,
    logPath: "/logs/0.log",
    limits: {},
    ...options,
  };
}

Deno.test("orderOf() puts the root first and outer mounts before inner ones", () => {
  const { preopens } = orderOf(run(["/data/sub", "/etc/app", "/data"]));
  assert.deepEqual(preopens.map(({ guestPath }) => guestPath), [
    "/",
    "/data",
    "/etc/app",
    "/data/sub",
  ]);
  assert.deepEqual(preopens[0], {
    hostPath: "/root",
    guestPath: "/",
    readOnly: false,
    exact: true,
  });
  assert.deepEqual(preopens.map(({ readOnly }) => readOnly), [false, false, true, false]);
  const readOnlyRoot = orderOf(run(["/data"], { readOnlyRoot: true })).preopens;
  assert.deepEqual(readOnlyRoot.map(({ readOnly }) => readOnly), [true, false]);
});

Deno.test("orderOf() lets a mount take the place of the root", () => {
  const { preopens } = orderOf(run(["/"]));
  assert.deepEqual(preopens, [{
    hostPath: "/host/",
    guestPath: "/",
    readOnly: false,
    exact: true,
  }]);
});

Deno.test("orderOf() tells the working directory by PWD unless the pod sets that itself", () => {
  assert.deepEqual(orderOf(run([])).env, { A: "b" });
  assert.deepEqual(orderOf(run([], { workingDir: "/w" })).env, { PWD: "/w", A: "b" });
  const own = run([], { workingDir: "/w", env: { PWD: "/mine" } });
  assert.deepEqual(orderOf(own).env, { PWD: "/mine" });
});

Deno.test("mountPoints() names folders of the root and none of a volume", () => {
  assert.deepEqual(mountPoints(run(["/data", "/data/sub", "/data-2", "/etc/app"])), [
    "data",
    "data-2",
    "etc/app",
  ]);
  assert.deepEqual(mountPoints(run(["/", "/data"])), []);
});
