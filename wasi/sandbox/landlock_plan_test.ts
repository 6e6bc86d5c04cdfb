import assert from "node:assert/strict";
import { ACCESS, landlockParts, NET, planLandlock, restrictsAllThreads } from "./landlock_plan.ts";

const NOTHING = { readOnly: ["/ro"], readWrite: ["/rw"], logs: ["/l"], files: ["/f"] };
const WRITES = ACCESS.writeFile | ACCESS.removeDir | ACCESS.removeFile | ACCESS.makeChar |
  ACCESS.makeDir | ACCESS.makeReg | ACCESS.makeSock | ACCESS.makeFifo | ACCESS.makeBlock |
  ACCESS.makeSym | ACCESS.refer | ACCESS.truncate | ACCESS.ioctlDev;

/** The names of the bits of `table` in a number, and of those that are in no table. */
function namesOf(table: Readonly<Record<string, bigint>>, bits: bigint): string[] {
  const names = Object.keys(table).filter((name) => (bits & table[name]!) !== 0n);
  const known = names.reduce((sum, name) => sum | table[name]!, 0n);
  return known === bits ? names : [...names, "unknown"];
}

for (
  const [abi, lacks, net, scopes] of [
    [1, ["refer", "truncate", "ioctlDev"], [], 0n],
    [2, ["truncate", "ioctlDev"], [], 0n],
    [3, ["ioctlDev"], [], 0n],
    [4, ["ioctlDev"], ["bindTcp", "connectTcp"], 0n],
    [5, [], ["bindTcp", "connectTcp"], 0n],
    [6, [], ["bindTcp", "connectTcp"], 3n],
    [7, [], ["bindTcp", "connectTcp"], 3n],
    [99, [], ["bindTcp", "connectTcp"], 3n],
  ] as const
) {
  Deno.test(`planLandlock() refuses all that ABI ${abi} knows, and names nothing else`, () => {
    const { handled, paths } = planLandlock(NOTHING, abi);
    const known = Object.keys(ACCESS).filter((name) =>
      !(lacks as readonly string[]).includes(name)
    );
    assert.deepEqual(namesOf(ACCESS, handled.files), known);
    assert.deepEqual(namesOf(NET, handled.net), [...net]);
    assert.equal(handled.scopes, scopes);
    for (const { access } of paths) assert.equal(access & ~handled.files, 0n);
  });

  Deno.test(`planLandlock() gives a read-only folder no way to write on ABI ${abi}`, () => {
    const [readOnly, readWrite, logs, file] = planLandlock(NOTHING, abi).paths;
    assert.deepEqual(namesOf(ACCESS, readOnly!.access), ["readFile", "readDir"]);
    assert.equal(readOnly!.access & WRITES, 0n);
    assert.deepEqual(file, { path: "/f", kind: "file", access: ACCESS.readFile, exact: false });
    assert.equal(logs!.access & (ACCESS.makeSym | ACCESS.refer | ACCESS.readFile), 0n);
    const never = ACCESS.execute | ACCESS.makeChar | ACCESS.makeBlock | ACCESS.makeSock |
      ACCESS.makeFifo | ACCESS.ioctlDev;
    assert.equal(readWrite!.access & never, 0n);
  });
}

Deno.test("planLandlock() has a rule for each port, and refuses all others", () => {
  const network = { bindTcp: [80, 0], connectTcp: [53] };
  const { handled, ports } = planLandlock({ network }, 7);
  assert.equal(handled.net, NET.bindTcp | NET.connectTcp);
  assert.deepEqual(ports, [
    { port: 80, access: NET.bindTcp },
    { port: 0, access: NET.bindTcp },
    { port: 53, access: NET.connectTcp },
  ]);
});

Deno.test("planLandlock() leaves alone what any port may be used for", () => {
  const any = (network: { bindTcp?: "any"; connectTcp?: "any" }): bigint =>
    planLandlock({ network }, 7).handled.net;
  assert.equal(any({ connectTcp: "any" }), NET.bindTcp);
  assert.equal(any({ bindTcp: "any" }), NET.connectTcp);
  assert.equal(any({ bindTcp: "any", connectTcp: "any" }), 0n);
});

Deno.test("planLandlock() makes no rule for ports that the kernel does not know", () => {
  assert.deepEqual(planLandlock({ network: { bindTcp: [80] } }, 3).ports, []);
});

Deno.test("planLandlock() refuses paths and ports that are none", () => {
  for (const path of ["", "relative", "/a\0/b"]) {
    assert.throws(() => planLandlock({ readWrite: [path] }, 7), {
      name: "SandboxError",
      message: /Cannot allow folder ".*" in the sandbox: it is no absolute path/s,
    });
  }
  for (const port of [-1, 65_536, 1.5, NaN]) {
    assert.throws(() => planLandlock({ network: { bindTcp: [port] } }, 7), {
      name: "SandboxError",
      message: /TCP port .* a port is from 0 to 65535/,
    });
  }
});

Deno.test("landlockParts() tells what a kernel covers and what it leaves open", () => {
  assert.deepEqual(landlockParts(2), {
    covered: ["files"],
    open: ["truncation", "tcp", "devices", "signals"],
  });
  assert.deepEqual(landlockParts(7).open, []);
});

Deno.test("restrictsAllThreads() is what ABI 8 came with", () => {
  assert.deepEqual([7, 8].map(restrictsAllThreads), [false, true]);
});
