import assert from "node:assert/strict";
import { isWasmPlatform, parseImageConfig } from "./image_config.ts";

Deno.test("parseImageConfig() reads platform, entrypoint, env, folder and the layers' digests", () => {
  const read = (body: object): unknown =>
    parseImageConfig(new TextEncoder().encode(JSON.stringify(body)));
  const config = {
    Entrypoint: ["/app.wasm"],
    Cmd: ["-v"],
    Env: ["A=1", "B=x=y", "=bad", "none"],
    WorkingDir: "srv/app/",
    User: "1000:1000",
    StopSignal: "SIGKILL",
  };
  const rootfs = { type: "layers", diff_ids: ["sha256:a", 7] };
  assert.deepEqual(read({ os: "wasip1", architecture: "wasm", config, rootfs }), {
    platform: "wasip1/wasm",
    entrypoint: ["/app.wasm"],
    cmd: ["-v"],
    env: { A: "1", B: "x=y" },
    workingDir: "/srv/app",
    user: "1000:1000",
    stopSignal: "SIGKILL",
    diffIds: ["sha256:a"],
  });
  assert.deepEqual(read({ config: { Entrypoint: null, WorkingDir: "/" } }), {
    platform: "unknown/unknown",
    diffIds: [],
  });
});

Deno.test("isWasmPlatform() knows every spelling that was in use", () => {
  for (const yes of ["wasi/wasm", "wasip1/wasm", "wasip2/wasm", "wasi/wasm32", "Wasm/amd64"]) {
    assert.ok(isWasmPlatform(yes), yes);
  }
  for (const no of ["linux/amd64", "windows/amd64", "unknown/unknown", "", "swasi/arm"]) {
    assert.ok(!isWasmPlatform(no), no);
  }
});
