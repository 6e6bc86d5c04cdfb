import assert from "node:assert/strict";
import { grantsOf, wishesOf } from "./grants.ts";
import type { Order } from "./protocol.ts";

const ORDER: Order = {
  modulePath: "/images/m.wasm",
  args: [],
  env: {},
  preopens: [
    { hostPath: "/pods/1/root", guestPath: "/", readOnly: false, exact: true },
    { hostPath: "/pods/1/config", guestPath: "/etc", readOnly: true, exact: true },
    { hostPath: "/pods/1/data", guestPath: "/data", readOnly: false, exact: true },
    { hostPath: "/pods/1/data", guestPath: "/more", readOnly: false, exact: true },
  ],
  logPath: "/logs/a_b_c/app/0.log",
};

Deno.test("grantsOf() is the run's own paths, and read-only ones are not for writing", () => {
  assert.deepEqual(grantsOf(ORDER), {
    read: [
      "/images/m.wasm",
      "/logs/a_b_c/app",
      "/pods/1/root",
      "/pods/1/config",
      "/pods/1/data",
    ],
    write: ["/logs/a_b_c/app", "/pods/1/root", "/pods/1/data"],
  });
});

Deno.test("wishesOf() is the run's own folders, and a log's folder is for logs alone", () => {
  assert.deepEqual(wishesOf(ORDER), {
    readOnly: ["/pods/1/config"],
    readWrite: ["/pods/1/root", "/pods/1/data"],
    exact: ["/pods/1/root", "/pods/1/data", "/pods/1/config"],
    logs: ["/logs/a_b_c/app"],
    files: [],
  });
  const twice = {
    hostPath: "/pods/1/data",
    guestPath: "/seen",
    readOnly: true,
    exact: true,
  } as const;
  const { readOnly } = wishesOf({ ...ORDER, preopens: [...ORDER.preopens, twice] });
  assert.deepEqual(readOnly, ["/pods/1/config"]);
});

Deno.test("grantsOf() knows Windows' paths", () => {
  const { write } = grantsOf({ ...ORDER, preopens: [], logPath: "C:\\logs\\app\\0.log" });
  assert.deepEqual(write, ["C:\\logs\\app"]);
});
