import assert from "node:assert/strict";
import { ERRNO } from "../errno.ts";
import type { Family } from "../host/socket.ts";
import { type AddressDecision, type AddressRequest, decideAddress, networkOf } from "./decision.ts";
import { formatIp, parseIp } from "./ip.ts";

/** Asks for one address: what the embedder was asked, and what the system is given. */
function decide(
  hostname: string,
  { purpose = "connect", family = "ipv6", decision = true }: {
    purpose?: "bind" | "connect" | "send";
    family?: Family;
    decision?: AddressDecision;
  } = {},
): { asked: string | undefined; given: string | undefined } {
  let asked: AddressRequest | undefined;
  const allowed = decideAddress((request) => {
    asked = request;
    return decision;
  }, { purpose, protocol: "tcp", family, address: { ip: parseIp(hostname)!, port: 80 } });
  assert.ok(!(allowed instanceof Promise));
  return {
    asked: asked?.address.hostname,
    given: typeof allowed === "number" ? undefined : formatIp(allowed.address.ip),
  };
}

Deno.test("decideAddress() shows the embedder where the system would go", () => {
  assert.deepEqual(decide("fd00::1"), { asked: "fd00::1", given: "fd00::1" });
  assert.deepEqual(decide("::ffff:10.0.0.1"), { asked: "10.0.0.1", given: "::ffff:10.0.0.1" });
  assert.deepEqual(decide("::"), { asked: "::1", given: "::1" });
  assert.deepEqual(decide("::ffff:0.0.0.0"), { asked: "127.0.0.1", given: "::ffff:127.0.0.1" });
  assert.deepEqual(decide("0.0.0.0", { family: "ipv4" }), {
    asked: "127.0.0.1",
    given: "127.0.0.1",
  });
  assert.deepEqual(decide("::", { purpose: "bind" }), { asked: "::", given: "::" });
});

Deno.test("decideAddress() refuses, and takes another address", () => {
  assert.equal(decide("fd00::1", { decision: false }).given, undefined);
  assert.equal(decide("fd00::1", { decision: {} }).given, "fd00::1");
  const address = { hostname: "10.0.0.9", port: 8_080 };
  assert.equal(decide("0.0.0.0", { family: "ipv4", decision: { address } }).given, "10.0.0.9");
  assert.equal(decide("::", { decision: { address } }).given, "::ffff:10.0.0.9");
});

Deno.test("decideAddress() does not take what is no address for one", () => {
  for (const hostname of ["example.com", "fd00::1"]) {
    const decision = { address: { hostname, port: 80 } };
    assert.throws(() => decide("10.0.0.1", { family: "ipv4", decision }), TypeError);
  }
  const decision = { address: { hostname: "10.0.0.1", port: 65_536 } };
  assert.throws(() => decide("10.0.0.1", { family: "ipv4", decision }), TypeError);
});

Deno.test("networkOf() allows nothing by itself", () => {
  const { allow, lookup } = networkOf({});
  const address = { hostname: "localhost", port: 80 };
  assert.equal(allow({ purpose: "resolve", protocol: "tcp", address }), false);
  assert.deepEqual(lookup("localhost"), []);
});

Deno.test("decideAddress() waits for a decision that takes its time", async () => {
  const request = {
    purpose: "connect",
    protocol: "tcp",
    family: "ipv4",
    address: { ip: parseIp("10.0.0.1")!, port: 80 },
  } as const;
  const refused = await decideAddress(() => Promise.resolve({ refused: "connrefused" }), request);
  assert.equal(refused, -ERRNO.connrefused);
  const address = { hostname: "10.1.1.1", port: 81 };
  assert.deepEqual(await decideAddress(() => Promise.resolve({ address }), request), {
    address: { ip: parseIp("10.1.1.1"), port: 81 },
    asked: request.address,
  });
});

Deno.test("networkOf() never hands a promise to a host that blocks", () => {
  const options = {
    allowAddress: () => Promise.resolve(false),
    lookup: () => Promise.resolve([]),
  };
  const { allow, lookup } = networkOf(options);
  const address = { hostname: "10.0.0.1", port: 80 };
  const request: AddressRequest = { purpose: "connect", protocol: "tcp", address };
  assert.throws(() => allow(request), /Cannot wait for a decision about the network/);
  assert.throws(() => lookup("db"), TypeError);
  const suspending = networkOf(options, { suspends: true });
  assert.ok(suspending.allow(request) instanceof Promise);
  assert.ok(suspending.lookup("db") instanceof Promise);
});
