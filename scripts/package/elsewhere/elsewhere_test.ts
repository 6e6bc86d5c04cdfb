import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./mod.ts", import.meta.url));

/** Runs the script where no program is found but the runtime itself. */
async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, ...args],
    env: { PATH: "", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assert.equal(code, 1);
  return new TextDecoder().decode(stderr);
}

Deno.test("what runs an archive elsewhere says what is missing, before it makes one", async () => {
  assert.match(await refusal("nowhere"), /say where, wine/);
  assert.match(
    await refusal("wine"),
    /Cannot set up another system: (that takes Linux and root|there is no "debootstrap")/,
  );
});
