import assert from "node:assert/strict";
import fc from "fast-check";
import {
  cidrSize,
  formatCidr,
  formatIp,
  inCidr,
  indexIn,
  ipAt,
  isInRanges,
  normalizeIp,
  parseCidr,
  parseIp,
  unmapIp,
} from "./ip.ts";

/** What is written, and the one form of it (RFC 5952 §4). */
const ADDRESSES: readonly [string, string][] = [
  ["10.0.0.1", "10.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::00A", "2001:db8::a"],
  ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::0:0:0:2:1", "2001:db8::2:1"],
  ["::ffff:a00:1", "::ffff:10.0.0.1"],
  ["::FFFF:10.0.0.1", "::ffff:10.0.0.1"],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
];

Deno.test("isInRanges() takes any of its ranges, of the address's family", () => {
  const isIn = isInRanges(["10.244.0.0/16", "fd00:10::/48", "nothing"]);
  const ips = ["10.244.255.9", "fd00:10:0:7::1", "10.245.0.1", "::", "10.244.0.0/16", ""];
  assert.deepEqual(ips.map(isIn), [true, true, false, false, false, false]);
  assert.equal(isInRanges([])("10.244.0.1"), false);
});

Deno.test("formatIp() writes what parseIp() has read in one form", () => {
  for (const [written, normal] of ADDRESSES) {
    assert.equal(formatIp(parseIp(written)!), normal, written);
    assert.equal(normalizeIp(written), normal);
  }
});

Deno.test("parseIp() takes nothing else", () => {
  const others = ["", "1.2.3", "01.2.3.4", "1.2.3.256", "1.2.3.4/8", " ::1", "[::1]", "fe80::1%lo"];
  for (const text of [...others, ":::", "1::2::3", "1:2:3:4:5:6:7", "::1.2.3", "localhost"]) {
    assert.equal(parseIp(text), undefined, text);
    assert.equal(normalizeIp(text), undefined, text);
  }
});

const addresses = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Many zeros, where the shortest form is decided.
  fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((bytes) => Uint8Array.from(bytes)),
);

Deno.test("parseIp() reads back what formatIp() writes", () => {
  fc.assert(fc.property(addresses, (ip) => {
    assert.deepEqual(Array.from(parseIp(formatIp(ip))!), Array.from(ip));
  }));
});

Deno.test("formatIp() writes IPv6 as a URL does, but for IPv4 inside of it", () => {
  fc.assert(fc.property(addresses.filter((ip) => ip.length === 16), (ip) => {
    const text = formatIp(ip);
    if (unmapIp(ip) === ip) assert.equal(`[${text}]`, new URL(`http://[${text}]/`).hostname);
  }));
});

Deno.test("unmapIp() takes IPv4 out of IPv6, and leaves the rest", () => {
  assert.equal(formatIp(unmapIp(parseIp("::ffff:10.0.0.1")!)), "10.0.0.1");
  for (const text of ["::fffe:10.0.0.1", "1::ffff:10.0.0.1", "10.0.0.1"]) {
    const ip = parseIp(text)!;
    assert.equal(unmapIp(ip), ip);
  }
});

Deno.test("parseCidr() reads a range, without the bits behind its prefix", () => {
  const read = (text: string): string | undefined => {
    const cidr = parseCidr(text);
    return cidr === undefined ? undefined : formatCidr(cidr);
  };
  assert.equal(read("10.0.3.4/16"), "10.0.0.0/16");
  assert.equal(read("10.0.3.255/27"), "10.0.3.224/27");
  assert.equal(read("10.0.3.4/32"), "10.0.3.4/32");
  assert.equal(read("10.0.3.4/0"), "0.0.0.0/0");
  assert.equal(read("fd00:1:2:3::9/64"), "fd00:1:2:3::/64");
  for (const text of ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "fd00::/129", "10.0.0.0/8/8"]) {
    assert.equal(read(text), undefined, text);
  }
  for (const text of ["10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/1e1", "x/8", ""]) {
    assert.equal(read(text), undefined, text);
  }
});

Deno.test("inCidr() tells what is of a range, and never mixes families", () => {
  const within = (ip: string, cidr: string): boolean => inCidr(parseIp(ip)!, parseCidr(cidr)!);
  assert.ok(within("10.1.2.3", "10.0.0.0/8"));
  assert.ok(within("10.1.2.3", "0.0.0.0/0"));
  assert.ok(!within("11.1.2.3", "10.0.0.0/8"));
  assert.ok(within("10.0.0.31", "10.0.0.0/27"));
  assert.ok(!within("10.0.0.32", "10.0.0.0/27"));
  assert.ok(within("fd00::1", "fd00::/64"));
  assert.ok(!within("10.1.2.3", "::/0"));
  assert.ok(!within("::1", "0.0.0.0/0"));
});

Deno.test("ipAt() counts through a range, and indexIn() counts back", () => {
  const at = (cidr: string, index: number): string => formatIp(ipAt(parseCidr(cidr)!, index));
  assert.equal(at("10.0.0.0/16", 0), "10.0.0.0");
  assert.equal(at("10.0.0.0/16", 258), "10.0.1.2");
  assert.equal(at("10.0.0.64/26", 63), "10.0.0.127");
  assert.equal(at("fd00::/64", 65_537), "fd00::1:1");
  for (const index of [64, -1, 0.5, NaN]) {
    assert.throws(() => at("10.0.0.64/26", index), RangeError, String(index));
  }
  fc.assert(fc.property(addresses, fc.nat(128), fc.nat(), (ip, prefix, wanted) => {
    const cidr = parseCidr(`${formatIp(ip)}/${Math.min(prefix, ip.length * 8)}`)!;
    const index = Math.min(wanted, cidrSize(cidr) - 1);
    const found = ipAt(cidr, index);
    assert.ok(inCidr(found, cidr));
    assert.equal(indexIn(cidr, found), index);
  }));
});

Deno.test("indexIn() knows no number of an address that is elsewhere, or too far to count", () => {
  const cidr = parseCidr("fd00::/48")!;
  assert.equal(indexIn(cidr, parseIp("fd01::1")!), undefined);
  assert.equal(indexIn(cidr, parseIp("10.0.0.1")!), undefined);
  assert.equal(indexIn(cidr, parseIp("fd00:0:0:ffff::1")!), undefined);
  assert.equal(cidrSize(cidr), Infinity);
  assert.equal(cidrSize(parseCidr("10.0.0.0/24")!), 256);
});
