import assert from "node:assert/strict";
import wabt from "wabt";
import { REHEARSAL_MODULE, rehearse } from "./rehearsal.ts";

const SOURCE = await Deno.readTextFile(new URL("./rehearsal.ts", import.meta.url));
if (Deno.build.os === "linux") await rehearse(); // opens libc, which stays open

Deno.test("REHEARSAL_MODULE is the module that its comment tells of", async () => {
  const [, comment = ""] = /```wat\n([^`]*)```/.exec(SOURCE) ?? [];
  const tools = await wabt();
  const module = tools.parseWat("rehearsal.wat", comment.replaceAll(/^ \* ?/gm, ""));
  assert.equal(Uint8Array.from(module.toBinary({}).buffer).toBase64(), REHEARSAL_MODULE);
  module.destroy();
});

Deno.test({
  name: "rehearse() leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    const descriptors = (): number => Array.from(Deno.readDirSync("/proc/self/fd")).length;
    // Other tests of this process open and close theirs meanwhile; what leaks does so each time.
    for (let time = 0; time < 50; time++) {
      const before = descriptors();
      await rehearse();
      if (descriptors() === before) return;
    }
    assert.fail("it leaves descriptors open");
  },
});
