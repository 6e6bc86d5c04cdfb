import assert from "node:assert/strict";
import { parseConfig } from "./config.ts";

const WORLD = {
  pathSeparator: ":" as const,
  readFile: () => undefined,
  exists: () => false,
  hostname: () => "edge",
  resolve: () => Promise.resolve([]),
  interfaceAddresses: () => ["10.0.0.1"],
};

Deno.test("parseConfig() shows itself by a kubelet's names, and by its flags", async () => {
  const args = [
    ..."--eviction-hard memory.available<7% --shutdown-grace-period 1m30s".split(" "),
    ..."--max-parallel-image-pulls 3 --serialize-image-pulls=false".split(" "),
  ];
  const { shown } = await parseConfig({ args, env: { HOME: "/home/u" }, world: WORLD });
  const { kind, evictionHard, shutdownGracePeriod, port, maxParallelImagePulls } = shown.config;
  assert.deepEqual(
    { kind, evictionHard, shutdownGracePeriod, port, maxParallelImagePulls },
    {
      kind: "KubeletConfiguration",
      evictionHard: { "memory.available": "7%" },
      shutdownGracePeriod: "1m30s",
      port: 3000,
      maxParallelImagePulls: 3,
    },
  );
  assert.equal(shown.flags["shutdown-grace-period"], "1m30s");
  assert.equal(shown.flags["healthz-port"], "10248");
});
