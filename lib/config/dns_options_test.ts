import assert from "node:assert/strict";
import { DNS_OPTIONS, dnsServers, dnsSettings } from "./dns_options.ts";

Deno.test("dnsServers reads up to three addresses, and refuses all else", () => {
  assert.deepEqual(dnsServers.fromText("10.96.0.10, fd00::a"), ["10.96.0.10", "fd00::a"]);
  assert.deepEqual(dnsServers.fromJson(["10.96.0.10"]), ["10.96.0.10"]);
  assert.deepEqual(dnsServers.join?.(["10.96.0.10"], ["10.96.0.11"]), ["10.96.0.10", "10.96.0.11"]);
  for (const text of ["name", "10.0.0.1:53", "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4"]) {
    assert.throws(() => dnsServers.fromText(text), RangeError, text);
  }
});

Deno.test("dnsSettings() knows a file, and that there may be none", () => {
  const values = { clusterDomain: "cluster.local", clusterDns: undefined };
  assert.equal(
    dnsSettings({ ...values, resolvConf: "/etc/resolv.conf" }).resolvConf,
    "/etc/resolv.conf",
  );
  const { kind } = DNS_OPTIONS.resolvConf;
  assert.equal(dnsSettings({ ...values, resolvConf: kind.fromText("") }).resolvConf, "");
  assert.throws(() => kind.fromText("a\0b"), RangeError);
});
