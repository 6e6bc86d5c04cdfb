import assert from "node:assert/strict";
import fc from "fast-check";
import { isIP } from "node:net";
import { formatIp, mapIp, parseIp, unmapIp } from "./ip.ts";

Deno.test("parseIp() and formatIp() know every form", () => {
  for (
    const [text, shortest = text] of [
      ["127.0.0.1"],
      ["0.0.0.0"],
      ["255.255.255.255"],
      ["::"],
      ["::1"],
      ["1::"],
      ["0:0:0:0:0:0:0:0", "::"],
      ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:db8:0:1:1:1:1:1"],
      ["::ffff:10.0.0.1"],
      ["::ffff:a00:1", "::ffff:10.0.0.1"],
      ["fe80::1:2:3:4"],
    ] as const
  ) {
    const ip = parseIp(text);
    assert.ok(ip !== undefined, text);
    assert.equal(formatIp(ip), shortest);
  }
});

Deno.test("parseIp() refuses everything else", () => {
  const strange = ["", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", " 1.2.3.4", "1.2.3.4 "];
  const long = ["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::"];
  const odd = [":", ":::", "::1::", "1:::2", "::1%eth0", "[::1]", "1.2.3.4::", "localhost", "::1."];
  for (const text of [...strange, ...long, ...odd]) assert.equal(parseIp(text), undefined, text);
});

Deno.test("formatIp() of any address is read back as the same", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 });
  fc.assert(fc.property(fc.oneof(bytes, sparse.map((some) => Uint8Array.from(some))), (some) => {
    for (const ip of [Uint8Array.from(some), Uint8Array.from(some.subarray(0, 4))]) {
      const text = formatIp(ip);
      assert.equal(isIP(text), ip.length === 4 ? 4 : 6, text);
      assert.deepEqual(parseIp(text), ip);
    }
  }));
});

Deno.test("unmapIp() takes off what mapIp() puts on", () => {
  const ip = Uint8Array.of(10, 0, 0, 1);
  assert.equal(formatIp(mapIp(ip)), "::ffff:10.0.0.1");
  assert.deepEqual(unmapIp(mapIp(ip)), ip);
  assert.equal(formatIp(unmapIp(parseIp("::1")!)), "::1");
});
