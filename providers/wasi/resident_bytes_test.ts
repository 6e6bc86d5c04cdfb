import assert from "node:assert/strict";
import { residentBytes, threadCount } from "./resident_bytes.ts";

Deno.test({
  name: "residentBytes() is what the process takes, and nothing if there is none",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const bytes = await residentBytes(Deno.pid);
    assert.ok(bytes !== undefined && bytes > 2 ** 20 && bytes < 2 ** 36, `${bytes}`);
    assert.equal(await residentBytes(2 ** 30), undefined);
    assert.ok((await threadCount(Deno.pid) ?? 0) > 1, "this program's own");
    assert.equal(await threadCount(2 ** 30), undefined);
  },
});
