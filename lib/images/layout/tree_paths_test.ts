import assert from "node:assert/strict";
import fc from "fast-check";
import { PullFailure } from "../oci/failure.ts";
import { DEPTH_MAX } from "./limits.ts";
import { containedTarget, treePath } from "./tree_paths.ts";

/** Random cases. */
const RUNS = 2_000;

const PATHS: Readonly<Record<string, readonly string[]>> = {
  "": [],
  "./": [],
  "/": [],
  "a/b": ["a", "b"],
  "./a//b/": ["a", "b"],
  "/etc/passwd": ["etc", "passwd"],
  "a..b/...": ["a..b", "..."],
};

for (const [written, names] of Object.entries(PATHS)) {
  Deno.test(`treePath() of "${written}" is /${names.join("/")}`, () => {
    assert.deepEqual(treePath(written, "linux"), names);
  });
}

const BAD: Readonly<Record<string, RegExp>> = {
  "../x": /its path holds "\.\."/,
  "a/../../x": /its path holds "\.\."/,
  "a\0b": /its name holds a NUL/,
  ["x/".repeat(DEPTH_MAX + 1)]: /more than 100 folders/,
  ["n".repeat(256)]: /over 255 bytes/,
  ["ü".repeat(128)]: /over 255 bytes/,
  ["abcdefghi/".repeat(410)]: /folders|over 3072 bytes/,
};

for (const [written, message] of Object.entries(BAD)) {
  Deno.test(`treePath() refuses ${JSON.stringify(written.slice(0, 20))}`, () => {
    assert.throws(
      () => treePath(written, "linux"),
      (error) => error instanceof PullFailure && message.test(error.message),
    );
  });
}

Deno.test("treePath() refuses on Windows what means something else there", () => {
  for (const name of ["a\\b", "c:x", "con", "NUL.txt", "dot.", "blank ", "a\tb"]) {
    assert.deepEqual(treePath(name, "linux"), [name]);
    assert.throws(() => treePath(name, "windows"), /^[^\t]*Windows cannot have a name as/);
  }
});

const TARGETS: readonly (readonly [at: string, target: string, contained: string])[] = [
  ["usr/bin", "busybox", "busybox"],
  ["usr/bin", "../lib/x", "../lib/x"],
  ["usr/bin", "../../bin/x", "../../bin/x"],
  ["usr/bin", "/bin/busybox", "../../bin/busybox"],
  ["", "/bin/sh", "bin/sh"],
  ["", "/", "."],
  ["a", "../../../etc/passwd", "../etc/passwd"],
  ["a", "b/../../../x", "../x"],
  ["a/b", "/../x/./y/../z", "../../x/z"],
];

for (const [at, target, contained] of TARGETS) {
  Deno.test(`containedTarget() of ${target} in /${at} is ${contained}`, () => {
    assert.equal(containedTarget(at.split("/").filter((name) => name !== ""), target), contained);
  });
}

Deno.test("containedTarget() never begins at the machine's root, nor climbs over its own", () => {
  const name = fc.constantFrom("..", ".", "", "a", "b", "…");
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("x", "y"), { maxLength: 4 }),
      fc.array(name, { minLength: 1, maxLength: 12 }).map((names) => names.join("/")),
      (at, target) => {
        const contained = containedTarget(at, target);
        assert.ok(!contained.startsWith("/"), contained);
        let level = at.length;
        for (const name of contained.split("/")) {
          if (name === "..") level--;
          else if (name !== "." && name !== "") level++;
          assert.ok(level >= 0, `${contained} in ${at.join("/")}`);
        }
      },
    ),
    { numRuns: RUNS },
  );
});
