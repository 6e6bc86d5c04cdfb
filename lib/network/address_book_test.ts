import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressBook, REST_MS } from "./address_book.ts";
import { type Cidr, inCidr, parseCidr, parseIp } from "./ip.ts";

const LOOPBACKS = parseCidr("127.65.0.0/16")!;

function book(...ranges: string[]): AddressBook {
  return new AddressBook(ranges.map((text) => parseCidr(text)!), { loopbacks: LOOPBACKS });
}

Deno.test("take() gives the lowest addresses, and never those that name a range or end it", () => {
  const small = book("10.0.0.8/29");
  assert.equal(small.size, 5);
  const ips = ["a", "b", "c", "d", "e"].map((uid) => small.take(uid, 0)?.podIPs[0]);
  assert.deepEqual(ips, ["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]);
  assert.equal(small.take("f", 0), undefined);
});

Deno.test("take() gives one of each family, and the same number of what stands for 127.0.0.1", () => {
  const dual = book("10.1.0.0/16", "fd00:1::/64");
  dual.take("a", 0);
  assert.deepEqual(dual.take("b", 0), {
    podIPs: ["10.1.0.3", "fd00:1::3"],
    loopback: "127.65.0.3",
  });
  assert.equal(dual.size, 65_533);
});

Deno.test("take() gives what a pod has, for as long as it has it", () => {
  const one = book("10.0.0.0/24");
  const first = one.take("a", 0);
  one.take("b", 0);
  assert.deepEqual(one.take("a", 5), first);
  assert.deepEqual(one.uids, ["a", "b"]);
});

Deno.test("take() lets addresses rest behind their pods, unless there are no others", () => {
  const one = book("10.0.0.0/29");
  const ipOf = (uid: string, nowMs: number): string | undefined => one.take(uid, nowMs)?.podIPs[0];
  assert.equal(ipOf("a", 0), "10.0.0.2");
  assert.equal(ipOf("b", 0), "10.0.0.3");
  assert.ok(one.release("b", 1_000));
  assert.ok(one.release("a", 2_000));
  assert.equal(ipOf("c", 3_000), "10.0.0.4");
  assert.equal(ipOf("d", 2_000 + REST_MS), "10.0.0.2");
  assert.equal(ipOf("e", 2_000 + REST_MS), "10.0.0.3");
  assert.equal(ipOf("f", 2_000 + REST_MS), "10.0.0.5");
  assert.equal(ipOf("g", 2_000 + REST_MS), "10.0.0.6");
  one.release("f", 70_000);
  one.release("c", 70_001);
  assert.equal(ipOf("h", 70_002), "10.0.0.5", "the one that rests longest");
});

Deno.test("take() does not wait for a clock that was set back", () => {
  const one = book("10.0.0.0/24");
  one.take("a", 1_000_000);
  one.release("a", 1_000_000);
  assert.equal(one.take("b", 500_000)?.podIPs[0], "10.0.0.2");
});

Deno.test("find() tells whose an address is", () => {
  const dual = book("10.1.0.0/16", "fd00:1::/64");
  dual.take("a", 0);
  for (const ip of ["10.1.0.2", "fd00:1::2", "127.65.0.2"]) assert.equal(dual.find(ip), "a", ip);
  for (const ip of ["10.1.0.3", "127.0.0.2", "10.2.0.2", "nonsense", ""]) {
    assert.equal(dual.find(ip), undefined, ip);
  }
  assert.equal(dual.release("a", 0), true);
  assert.equal(dual.release("a", 0), false);
  assert.equal(dual.find("10.1.0.2"), undefined);
});

Deno.test("restore() makes the same book of a page", () => {
  const one = book("10.1.0.0/16");
  for (const uid of ["a", "b", "c"]) one.take(uid, 0);
  one.release("b", 500);
  const next = book("10.1.0.0/16");
  assert.deepEqual(next.restore(JSON.parse(JSON.stringify(one.page(1_000)))), []);
  assert.deepEqual(next.page(1_000), one.page(1_000));
  assert.equal(next.take("d", 1_000)?.podIPs[0], "10.1.0.5", "10.1.0.3 rests");
});

Deno.test("restore() answers whose addresses are of no range any more, or of two pods", () => {
  const one = book("10.1.0.0/29");
  const lost = one.restore({
    pods: {
      fine: { podIPs: ["10.1.0.2"], loopback: "127.99.0.2" },
      twice: { podIPs: ["10.1.0.2"] },
      elsewhere: { podIPs: ["10.2.0.2"] },
      reserved: { podIPs: ["10.1.0.1"] },
      last: { podIPs: ["10.1.0.7"] },
      none: { podIPs: [] },
      nonsense: { podIPs: ["x"] },
    },
    resting: [{ ip: "10.1.0.2", sinceMs: 0 }, { ip: "10.9.0.2", sinceMs: 0 }],
  });
  assert.deepEqual(lost, ["twice", "elsewhere", "reserved", "last", "none", "nonsense"]);
  assert.deepEqual(one.take("fine", 0), { podIPs: ["10.1.0.2"], loopback: "127.65.0.2" });
  assert.deepEqual(one.page(0).resting, []);
});

Deno.test("a book without ranges of pods numbers what stands for 127.0.0.1", () => {
  const none = book();
  assert.deepEqual(none.take("a", 0), { podIPs: [], loopback: "127.65.0.2" });
  const next = book();
  next.restore(none.page(0));
  assert.equal(next.find("127.65.0.2"), "a");
  const nothing = new AddressBook([], {});
  assert.deepEqual(nothing.take("a", 0), { podIPs: [] });
});

Deno.test("a book never gives an address to two pods, and gives all of them", () => {
  const uids = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");
  const step = fc.record({ uid: uids, taking: fc.boolean(), afterMs: fc.nat(REST_MS) });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const ranges: Cidr[] = ["10.0.0.0/29", "fd00::/64"].map((text) => parseCidr(text)!);
    let tested = new AddressBook(ranges, { loopbacks: LOOPBACKS });
    const has = new Map<string, string>();
    let nowMs = 0;
    for (const { uid, taking, afterMs } of steps) {
      nowMs += afterMs;
      if (taking) {
        const given = tested.take(uid, nowMs);
        if (given === undefined) assert.ok(!has.has(uid) && has.size === 5);
        else {
          const [ip = "", ip6 = ""] = given.podIPs;
          assert.ok(inCidr(parseIp(ip)!, ranges[0]!) && inCidr(parseIp(ip6)!, ranges[1]!));
          assert.equal(has.get(uid) ?? ip, ip);
          has.set(uid, ip);
        }
      } else assert.equal(tested.release(uid, nowMs), has.delete(uid));
      assert.equal(new Set(has.values()).size, has.size);
      for (const [owner, ip] of has) assert.equal(tested.find(ip), owner);
      const page = tested.page(nowMs);
      tested = new AddressBook(ranges, { loopbacks: LOOPBACKS });
      assert.deepEqual(tested.restore(page), []);
    }
  }));
});
