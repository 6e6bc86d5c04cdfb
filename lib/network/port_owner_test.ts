import assert from "node:assert/strict";
import { portOwner, socketsIn } from "./port_owner.ts";

Deno.test("socketsIn() reads the kernel's tables of both families", () => {
  const table =
    `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 123 1 0
   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 456 1
nonsense
`;
  assert.deepEqual(socketsIn(table), [
    { ip: "127.0.0.1", port: 8080, state: "0A", inode: "123" },
    { ip: "2001:db8::1", port: 80, state: "0A", inode: "456" },
  ]);
});

Deno.test({
  name: "portOwner() finds the process that listens",
  ignore: Deno.build.os !== "linux", // nowhere else does it know
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const owner = await portOwner({ ip: "127.0.0.1", port }, "TCP");
    assert.match(owner ?? "", new RegExp(`^process ${Deno.pid} \\(.+\\)$`));
    assert.equal(await portOwner({ ip: "127.0.0.1", port }, "UDP"), undefined);
    assert.equal(await portOwner({ ip: "127.0.0.2", port }, "TCP"), undefined);
    using everywhere = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const { port: other } = everywhere.addr;
    assert.match(await portOwner({ ip: "127.0.0.2", port: other }, "TCP") ?? "", /^process /);
  },
});
