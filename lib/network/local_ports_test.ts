import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { inNamespace, namespaceFault } from "./_namespace.ts";
import { freePort, isTaken, LocalAddresses } from "./local_ports.ts";

Deno.test("isTaken() leaves a port that is free to whoever asked, also for UDP", async () => {
  const ip = "127.0.0.1";
  for (let round = 0; round < 50; round++) {
    const at = { ip, port: freePort(ip) };
    if (await isTaken(at, "udp")) continue;
    const socket = createSocket("udp4");
    socket.bind({ address: ip, port: at.port, exclusive: true });
    await once(socket, "listening");
    assert.equal(await isTaken(at, "udp"), true);
    const closed = once(socket, "close");
    socket.close();
    await closed;
  }
});

Deno.test("LocalAddresses knows this machine's own, and what can be bound here", () => {
  const local = new LocalAddresses();
  assert.equal(local.isNode("127.0.0.1"), true);
  assert.equal(local.isNode("192.0.2.77"), false);
  assert.equal(local.isNear("127.0.0.1"), true);
  assert.equal(local.isNear("192.0.2.77"), false);
});

const fault = namespaceFault();
const because = fault === undefined ? "" : ` (ignored, no network namespace: ${fault})`;

Deno.test({
  name: `LocalAddresses knows the addresses of local routes, of both families${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(
      `
      import { LocalAddresses } from "./local_ports.ts";
      const local = new LocalAddresses();
      const ips = ["10.244.1.2", "10.244.2.2", "fd00:1::2", "fd00:2::2"];
      console.log(JSON.stringify(ips.map((ip) => [ip, local.isNear(ip)])));
      `,
      {
        before:
          "ip route add local 10.244.1.0/24 dev lo && ip -6 route add local fd00:1::/64 dev lo",
      },
    );
    assert.deepEqual(seen, [
      ["10.244.1.2", true],
      ["10.244.2.2", false],
      ["fd00:1::2", true],
      ["fd00:2::2", false],
    ]);
  },
});

Deno.test({
  name: `isTaken() and freePort() know addresses of IPv6 that only guests can bind${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(
      `
      import { freePort, isTaken } from "./local_ports.ts";
      import { createSocket } from "node:dgram";
      import { once } from "node:events";
      const ip = "fd00:1::2";
      using _tcp = Deno.listen({ hostname: "::", port: 8080 });
      const udp = createSocket({ type: "udp6", ipv6Only: true }).bind(8081);
      await once(udp, "listening");
      const seen = [
        await isTaken({ ip, port: 8080 }, "tcp"),
        await isTaken({ ip, port: 8081 }, "tcp"),
        await isTaken({ ip, port: 8080 }, "udp"),
        await isTaken({ ip, port: 8081 }, "udp"),
        freePort(ip) > 0,
        freePort("fd00:2::2") > 0,
      ];
      udp.close();
      console.log(JSON.stringify(seen));
      `,
      { before: "ip -6 route add local fd00:1::/64 dev lo" },
    );
    assert.deepEqual(seen, [true, false, false, true, true, false]);
  },
});
