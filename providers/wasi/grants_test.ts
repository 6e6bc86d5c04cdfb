import assert from "node:assert/strict";
import { grantsOf } from "./grants.ts";
import type { Order } from "./protocol.ts";

const ORDER: Order = {
  modulePath: "/images/m.wasm",
  args: [],
  env: {},
  preopens: [
    { hostPath: "/pods/1/root", guestPath: "/", readOnly: false },
    { hostPath: "/pods/1/config", guestPath: "/etc", readOnly: true },
    { hostPath: "/pods/1/data", guestPath: "/data", readOnly: false },
    { hostPath: "/pods/1/data", guestPath: "/more", readOnly: false },
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

Deno.test("grantsOf() knows Windows' paths", () => {
  const { write } = grantsOf({ ...ORDER, preopens: [], logPath: "C:\\logs\\app\\0.log" });
  assert.deepEqual(write, ["C:\\logs\\app"]);
});
