import assert from "node:assert/strict";
import { ipBytes } from "./ip.ts";

const CASES: Record<string, string | undefined> = {
  "10.0.0.255": "0a0000ff",
  "::": "00".repeat(16),
  "::1": "00".repeat(15) + "01",
  "fd00::1": "fd00" + "00".repeat(13) + "01",
  "FD00:0:0:0:0:0:0:1": "fd00" + "00".repeat(13) + "01",
  "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
  "1:2:3:4:5:6:7::": "00010002000300040005000600070000",
  "::ffff:10.1.2.3": "00".repeat(10) + "ffff0a010203",
  "fe80::1%eth0": undefined,
  "256.1.1.1": undefined,
  "1::2::3": undefined,
  "worker-1": undefined,
  "": undefined,
};

for (const [text, hex] of Object.entries(CASES)) {
  Deno.test(`ipBytes() reads "${text}" as ${hex ?? "no address"}`, () => {
    assert.equal(ipBytes(text)?.toHex(), hex);
  });
}
