import assert from "node:assert/strict";
import { join } from "node:path";
import { linkWarning, makeLink } from "./links.ts";

const refused = (): Promise<void> =>
  Promise.reject(new Error("A required privilege is not held by the client. (os error 1314)"));

Deno.test("makeLink() says the kind of link, and on Windows what to do when it is refused", async () => {
  const asked: unknown[] = [];
  const symlink = (...args: unknown[]): Promise<void> => {
    asked.push(args);
    return Promise.resolve();
  };
  await makeLink("..data/a", { path: "a", type: "dir" }, { os: "windows", symlink });
  assert.deepEqual(asked, [["..data/a", "a", { type: "dir" }]]);
  const link = { path: "b", type: "file" } as const;
  await assert.rejects(makeLink("a", link, { os: "windows", symlink: refused }), {
    message: /^Cannot make link "b": .*1314.*developer mode/,
  });
  await assert.rejects(makeLink("a", link, { os: "linux", symlink: refused }), {
    message: /^A required privilege/,
  });
});

Deno.test("makeLink() makes links", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await makeLink("there", { path: join(folder, "link"), type: "file" });
    assert.equal(await Deno.readLink(join(folder, "link")), "there");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("linkWarning() tries on Windows only, and leaves nothing behind", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.equal(await linkWarning(folder, { os: "darwin", symlink: refused }), undefined);
    assert.match(
      await linkWarning(folder, { os: "windows", symlink: refused }) ?? "",
      /cannot start on this machine.*1314.*Create symbolic links/,
    );
    const world = { os: "windows", symlink: Deno.symlink } as const;
    assert.equal(await linkWarning(folder, world), undefined);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
