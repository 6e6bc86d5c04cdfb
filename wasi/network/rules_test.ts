import assert from "node:assert/strict";
import type { AddressRequest } from "./decision.ts";
import { type AddressRule, allowByRules } from "./rules.ts";

function request(
  hostname: string,
  more: Partial<Omit<AddressRequest, "address">> & { port?: number } = {},
): AddressRequest {
  const { port = 80, ...rest } = more;
  return { purpose: "connect", protocol: "tcp", address: { hostname, port }, ...rest };
}

Deno.test("allowByRules() takes blocks of addresses", () => {
  const inside: readonly (readonly [block: string, hostname: string, fits: boolean])[] = [
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.1.2.128/25", "10.1.2.127", false],
    ["10.1.2.128/25", "10.1.2.200", true],
    ["0.0.0.0/0", "8.8.8.8", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "8.8.8.8", false],
    ["fd00::/12", "fd0f::1", true],
    ["fd00::/12", "fe00::1", false],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", "localhost", false],
  ];
  for (const [block, hostname, fits] of inside) {
    assert.deepEqual(allowByRules([{ block }])(request(hostname)), fits ? {} : false, hostname);
  }
  for (const block of ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "name", "::/-1"]) {
    assert.throws(() => allowByRules([{ block }]), TypeError, block);
  }
});

Deno.test("allowByRules() goes by the first rule that fits", () => {
  const rules: readonly AddressRule[] = [
    { purpose: "bind", block: "0.0.0.0", to: "10.1.0.7" },
    { purpose: "connect", port: 443, source: "10.1.0.7" },
    { purpose: "resolve" },
    { protocol: "udp", port: 53 },
  ];
  const allow = allowByRules(rules);
  assert.deepEqual(allow(request("0.0.0.0", { purpose: "bind" })), {
    address: { hostname: "10.1.0.7", port: 80 },
  });
  assert.equal(allow(request("10.1.0.8", { purpose: "bind" })), false);
  assert.deepEqual(allow(request("8.8.8.8", { port: 443 })), {
    source: { hostname: "10.1.0.7", port: 0 },
  });
  assert.equal(allow(request("8.8.8.8")), false);
  assert.deepEqual(allow(request("db.example", { purpose: "resolve" })), {});
  assert.deepEqual(allow(request("8.8.8.8", { purpose: "send", protocol: "udp", port: 53 })), {});
  assert.equal(allow(request("8.8.8.8", { purpose: "send", protocol: "tcp", port: 53 })), false);
  assert.equal(allowByRules([])(request("127.0.0.1")), false);
});
