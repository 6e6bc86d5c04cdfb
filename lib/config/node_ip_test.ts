import assert from "node:assert/strict";
import { chooseNodeIp } from "./node_ip.ts";

const none = { resolved: [], interfaces: [] };

Deno.test("chooseNodeIp() takes the one address that the server listens on", () => {
  assert.equal(chooseNodeIp({ ...none, listenerAddress: "10.0.0.5" }), "10.0.0.5");
});

Deno.test("chooseNodeIp() prefers the host name, and passes over what nobody else can reach", () => {
  const candidates = {
    listenerAddress: "0.0.0.0",
    resolved: ["127.0.1.1", "::1", "10.0.0.7"],
    interfaces: ["127.0.0.1", "192.168.1.4"],
  };
  assert.equal(chooseNodeIp(candidates), "10.0.0.7");
  assert.equal(chooseNodeIp({ ...candidates, resolved: ["127.0.1.1"] }), "192.168.1.4");
});

Deno.test("chooseNodeIp() keeps to the listener's family, but :: hears IPv4 too", () => {
  const candidates = { resolved: ["10.0.0.7"], interfaces: ["fe80::1", "fd00::7"] };
  assert.equal(chooseNodeIp({ ...candidates, listenerAddress: "::" }), "fd00::7");
  assert.equal(chooseNodeIp({ ...candidates, interfaces: [], listenerAddress: "::" }), "10.0.0.7");
  assert.equal(
    chooseNodeIp({ resolved: ["fd00::7"], interfaces: [], listenerAddress: "0.0.0.0" }),
    undefined,
  );
});
