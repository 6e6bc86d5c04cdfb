import assert from "node:assert/strict";
import type { Code } from "./bpf.ts";
import { buildProcessFilter, buildSocketFilter } from "./seccomp_filter.ts";
import { ARCHITECTURES, AUDIT_ARCH, NEWEST_CALL, NONE, REFUSED, WATCHED } from "./seccomp_table.ts";

const PID = 4_711;
const [EPERM, EACCES, ENOSYS] = ["errno 1", "errno 13", "errno 38"];

/** What the kernel would do: an interpreter for the few instructions that filters are made of. */
function judge(
  filter: Code,
  number: number,
  { parameters = [], machine }: { parameters?: readonly number[]; machine: number },
): string {
  const words = new Map([[0, number], [4, machine]]);
  parameters.forEach((value, index) => words.set(16 + 8 * index, value));
  let accumulator = 0;
  for (let at = 0;; at++) {
    const { code, jt, jf, k } = filter[at]!; // out of bounds is what the kernel refuses too
    if (code === 0x20) accumulator = (words.get(k) ?? 0) >>> 0;
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += accumulator === k ? jt : jf;
    else if (code === 0x35) at += accumulator >= k ? jt : jf;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k === 0x7fff_0000 ? "allow" : `errno ${k & 0xffff}`;
    else throw new Error(`Unknown instruction ${code}`);
  }
}

for (const [index, arch] of ARCHITECTURES.entries()) {
  const filter = buildProcessFilter({ arch, pid: PID });
  const machine = AUDIT_ARCH[arch];
  const watched = (name: keyof typeof WATCHED, ...parameters: number[]): string =>
    judge(filter, WATCHED[name][index]!, { parameters, machine });

  Deno.test(`buildProcessFilter() refuses each listed call on ${arch}, and no other`, () => {
    const listed = new Set(Object.values(REFUSED).map((numbers) => numbers[index]));
    const some = new Set(Object.values(WATCHED).map((numbers): number => numbers[index]!));
    for (let number = 0; number <= NEWEST_CALL; number++) {
      if (some.has(number)) continue;
      const expected = listed.has(number) ? EPERM : "allow";
      assert.equal(judge(filter, number, { machine }), expected, `call ${number}`);
    }
    assert.ok(listed.size > 100 && !listed.has(undefined));
  });

  Deno.test(`buildProcessFilter() knows no call newer than its list on ${arch}`, () => {
    const x32 = 0x4000_0000;
    for (const number of [NEWEST_CALL + 1, 1_000, x32, x32 + 59, 0xffff_ffff]) {
      assert.equal(judge(filter, number, { machine }), ENOSYS, `call ${number}`);
    }
  });

  Deno.test(`buildProcessFilter() refuses calls as other machines than ${arch} make them`, () => {
    const i386 = 0x4000_0003;
    for (const other of [i386, AUDIT_ARCH[ARCHITECTURES[1 - index]!]]) {
      assert.equal(judge(filter, 1, { machine: other }), EPERM);
    }
  });

  Deno.test(`buildProcessFilter() judges by parameters on ${arch}`, () => {
    const threads = 0x3d0f00;
    assert.equal(watched("clone", threads), "allow");
    assert.equal(watched("clone", 17), EPERM, "a fork");
    for (const space of [0x20000, 0x10000000, 0x40000000]) {
      assert.equal(watched("clone", threads | space), EPERM, "a namespace");
    }
    assert.equal(watched("clone3"), ENOSYS);
    assert.equal(watched("ioctl", 0, 0x541b), "allow");
    assert.equal(watched("ioctl", 0, 0x5412), EPERM);
    assert.equal(watched("ioctl", 0, 0x541c), EPERM);
    for (const request of [0x8901, 0x8902]) assert.equal(watched("ioctl", 0, request), EPERM);
    for (const command of [0, 1, 2, 3, 4, 6, 9, 1030]) {
      assert.equal(watched("fcntl", 0, command), "allow");
    }
    for (const command of [8, 10, 15, 1026]) assert.equal(watched("fcntl", 0, command), EPERM);
    for (const name of ["kill", "tgkill"] as const) {
      assert.equal(watched(name, PID), "allow");
      for (const other of [0, 1, -1, -PID, PID + 1]) assert.equal(watched(name, other), EPERM);
    }
    assert.equal(watched("prctl", 15), "allow");
    assert.equal(watched("prctl", 1), EPERM);
    assert.deepEqual([0, PID, 1].map((pid) => watched("prlimit64", pid)), [
      "allow",
      "allow",
      EPERM,
    ]);
    assert.equal(watched("setpriority", 0, 0), "allow");
    assert.equal(watched("setpriority", 0, 1), EPERM);
    assert.equal(watched("setpriority", 2, 0), EPERM);
  });

  Deno.test(`buildProcessFilter() lets no data open a connection on ${arch}`, () => {
    const fast = 0x2000_0000;
    for (const [name, at] of [["sendto", 3], ["sendmsg", 2], ["sendmmsg", 3]] as const) {
      const flags = (value: number): number[] => [...new Array<number>(at).fill(fast), value];
      assert.equal(watched(name, ...flags(0x4000)), "allow");
      assert.equal(watched(name, ...flags(fast | 0x4000)), EACCES);
    }
  });

  Deno.test(`buildProcessFilter() allows TCP and UDP sockets alone on ${arch}`, () => {
    const cloexec = 0x80000;
    for (const domain of [2, 10]) {
      for (const type of [1, 2]) {
        assert.equal(watched("socket", domain, type | cloexec, 0), "allow");
      }
    }
    assert.equal(watched("socket", 2, 1, 6), "allow");
    const refused = [[1, 1, 0], [16, 3, 0], [17, 2, 0], [38, 5, 0], [40, 1, 0], [2, 3, 1], [
      2,
      1,
      262,
    ]];
    for (const [domain, type, protocol] of refused) {
      assert.equal(watched("socket", domain!, type!, protocol!), EACCES, `${domain} ${type}`);
    }
  });

  Deno.test(`buildProcessFilter() allows pairs of streams alone on ${arch}`, () => {
    const cloexec = 0x80000;
    assert.equal(watched("socketpair", 1, 1 | cloexec, 0), "allow");
    for (const [domain, type] of [[1, 2], [1, 2 | cloexec], [1, 5], [2, 1], [30, 1]]) {
      assert.equal(watched("socketpair", domain!, type!, 0), EACCES, `${domain} ${type}`);
    }
  });

  Deno.test(`buildSocketFilter() leaves a guest less on ${arch}`, () => {
    const socket = WATCHED.socket[index]!;
    const answers = (sockets: "none" | "tcp"): string[] =>
      [[2, 1], [2, 2]].map((parameters) =>
        judge(buildSocketFilter({ arch, sockets }), socket, { parameters, machine })
      );
    assert.deepEqual(answers("none"), [EACCES, EACCES]);
    assert.deepEqual(answers("tcp"), ["allow", EACCES]);
    for (const number of [0, socket - 1, socket + 1, NEWEST_CALL, 1_000]) {
      assert.equal(
        judge(buildSocketFilter({ arch, sockets: "none" }), number, { machine }),
        "allow",
      );
    }
  });
}

Deno.test("the tables name each number once", () => {
  for (const index of ARCHITECTURES.keys()) {
    const numbers = [...Object.values(REFUSED), ...Object.values(WATCHED)]
      .map((of) => of[index]!).filter((number) => number !== NONE);
    assert.equal(new Set(numbers).size, numbers.length, String(ARCHITECTURES[index]));
    assert.ok(numbers.every((number) => number >= 0 && number <= NEWEST_CALL));
  }
});
