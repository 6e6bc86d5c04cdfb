import assert from "node:assert/strict";
import { guestV8Flags } from "./v8_flags.ts";

Deno.test("guestV8Flags() are flags that this V8 knows, of a size that the threads have", async () => {
  const flags = [{ os: "linux" }, { os: "linux", inWorkers: true }, { os: "windows" }] as const;
  for (const given of flags.map(guestV8Flags)) {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", `--v8-flags=${given.join(",")}`, "0"],
    }).output();
    // An unknown flag is only complained of.
    assert.deepEqual([success, new TextDecoder().decode(stderr)], [true, ""]);
  }
  assert.ok(guestV8Flags({ os: "linux" }).includes("--stack-size=6000"));
  assert.ok(guestV8Flags({ os: "linux", inWorkers: true }).includes("--stack-size=3500"));
});
