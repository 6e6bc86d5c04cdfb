import assert from "node:assert/strict";
import { LOOK_AGAIN_MS, NodeDns } from "./node_dns.ts";

Deno.test("NodeDns reads its file again when it may have changed, and does without one", async () => {
  const path = await Deno.makeTempFile({ prefix: "krustlet-resolv-" });
  let nowMs = 0;
  const node = new NodeDns(path, { now: () => nowMs });
  try {
    await Deno.writeTextFile(path, "nameserver 192.0.2.1\n");
    assert.deepEqual((await node.read()).nameservers, ["192.0.2.1"]);
    await Deno.writeTextFile(path, "nameserver 192.0.2.2\n");
    assert.deepEqual((await node.read()).nameservers, ["192.0.2.1"]);
    nowMs = LOOK_AGAIN_MS;
    assert.deepEqual((await node.read()).nameservers, ["192.0.2.2"]);
  } finally {
    await Deno.remove(path);
  }
  nowMs = 2 * LOOK_AGAIN_MS;
  assert.deepEqual(await node.read(), { nameservers: [], searches: [], options: [] });
});

Deno.test("NodeDns stands for a server on the machine where there is no path, as for a kubelet", async () => {
  assert.deepEqual(await new NodeDns("").read(), {
    nameservers: ["127.0.0.1"],
    searches: ["."],
    options: [],
  });
});

Deno.test("NodeDns reads no folder and no device", async () => {
  for (const path of ["/", "/dev/zero"]) {
    assert.deepEqual((await new NodeDns(path).read()).nameservers, []);
  }
});
