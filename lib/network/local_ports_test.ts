import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
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
