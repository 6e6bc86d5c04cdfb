import assert from "node:assert/strict";
import fc from "fast-check";
import { ERRNO } from "./errno.ts";
import { LINKS_MAX } from "./limits.ts";
import { type Kind, splitLast, walk } from "./paths.ts";

/** A file system in memory: directories by name, links as `→target`, files as `file`. */
type Tree = { readonly [name: string]: Tree | string };

function looker(tree: Tree): (parts: readonly string[]) => Kind {
  return (parts) => {
    let at: Tree | string | undefined = tree;
    for (const part of parts) {
      assert.ok(typeof at === "object", `looked below ${parts.join("/")}`);
      at = Object.hasOwn(at, part) ? at[part] : undefined;
    }
    if (at === undefined) return { is: "missing" };
    if (typeof at === "object") return { is: "directory" };
    return at.startsWith("→") ? { is: "link", target: at.slice(1) } : { is: "other" };
  };
}

const TREE: Tree = {
  dir: { file: "file", up: "→../file", out: "→../../x", self: "→." },
  file: "file",
  abs: "→/etc",
  loop: "→loop",
  way: "→dir/up",
  empty: "→",
};

function end(path: string, follow = true): string | number {
  const place = walk(path, { follow, look: looker(TREE) });
  return typeof place === "number" ? place : `${place.parts.join("/")} ${place.kind.is}`;
}

Deno.test("walk() follows links and dots inside", () => {
  assert.equal(end("dir/file"), "dir/file other");
  assert.equal(end("dir/../file"), "file other");
  assert.equal(end("./dir//self/self/file"), "dir/file other");
  assert.equal(end("way"), "file other");
  assert.equal(end("way", false), "way link");
  assert.equal(end("."), " directory");
  assert.equal(end("new"), "new missing");
  assert.equal(end("new/"), "new missing");
});

Deno.test("walk() refuses what leads out, is no directory or never ends", () => {
  for (const path of ["..", "/", "/dir", "dir/../..", "dir/out", "abs", "abs/x"]) {
    assert.equal(end(path), ERRNO.perm, path);
  }
  assert.equal(end("abs", false), "abs link");
  assert.equal(end("loop"), ERRNO.loop);
  for (const path of ["", "empty", "new/x", "new/..", "new/."]) {
    assert.equal(end(path), ERRNO.noent, path);
  }
  for (const path of ["file/", "file/..", "file/x", "way/x"]) {
    assert.equal(end(path), ERRNO.notdir, path);
  }
});

Deno.test("walk() creates nothing that is named with a slash, by the path or by a link", () => {
  const tree: Tree = { dir: {}, file: "file", slashed: "→file/", new: "→missing//", dot: "→dir/." };
  const create = (path: string, follow = true): string | number => {
    const place = walk(path, { follow, create: true, look: looker(tree) });
    return typeof place === "number" ? place : place.kind.is;
  };
  for (const path of ["dir/", "file/", "gone//", "slashed", "new", "dir/../slashed"]) {
    assert.equal(create(path), ERRNO.isdir, path);
  }
  assert.equal(create("slashed", false), "link");
  assert.equal(create("gone"), "missing");
  for (const path of ["dot", ".", "./", "dir/.//"]) assert.equal(create(path), "directory", path);
  assert.equal(create("file/."), ERRNO.notdir);
  assert.equal(create("gone/x/"), ERRNO.noent);
});

Deno.test("walk() stays inside of any tree, for any path", () => {
  const name = fc.constantFrom("a", "b", "c");
  const text = fc.array(fc.constantFrom("a", "b", "c", "..", ".", ""), { maxLength: 8 })
    .map((parts) => parts.join("/"));
  const { tree } = fc.letrec<{ tree: Tree; node: Tree | string }>((tie) => ({
    tree: fc.dictionary(name, tie("node"), { maxKeys: 3, noNullPrototype: true }),
    node: fc.oneof(
      { depthSize: "small" },
      fc.constant("file"),
      text.map((target) => `→${target}`),
      tie("tree"),
    ),
  }));
  fc.assert(
    fc.property(tree, text, fc.boolean(), (tree, path, follow) => {
      let looks = 0;
      const look = looker(tree);
      const place = walk(path, {
        follow,
        look(parts): Kind {
          looks++;
          for (const [index, part] of parts.entries()) {
            assert.ok(part !== "" && part !== "." && part !== "..");
            // Nothing is ever looked at through a link: each way there is a real directory.
            const way = parts.slice(0, index);
            if (way.length > 0) assert.equal(look(way).is, "directory");
          }
          return look(parts);
        },
      });
      assert.ok(looks <= (LINKS_MAX + 2) * 10);
      if (typeof place === "number") return;
      assert.deepEqual(
        place.kind.is,
        place.parts.length === 0 ? "directory" : look(place.parts).is,
      );
      if (follow) assert.notEqual(place.kind.is, "link");
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("splitLast() takes the last name off", () => {
  assert.deepEqual(splitLast("a/b"), { parent: "a/", name: "b", slash: false });
  assert.deepEqual(splitLast("a//b//"), { parent: "a//", name: "b", slash: true });
  assert.deepEqual(splitLast(".."), { parent: "", name: "..", slash: false });
  assert.equal(splitLast("/a"), ERRNO.perm);
  assert.equal(splitLast(""), ERRNO.noent);
});
