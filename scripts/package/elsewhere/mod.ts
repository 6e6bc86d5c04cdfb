/**
 * Runs an archive for another kind of machine on this one, and the tests of `tests/elsewhere/` with it.
 *
 *     deno task package:wine     windows-amd64 by Wine 10
 *
 * For Linux, as root: it sets up a root folder with Debian's own `debootstrap`, once, in the cache of the
 * tests' parts (Wine: 1.4 GB). Nothing else of the machine is changed.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { chooseTargets, packageAll } from "../mod.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { WINE } from "./wine.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SYSTEMS: Readonly<Record<string, Elsewhere>> = { wine: WINE };

/** Sets the system up, makes and unpacks its archive, and runs the tests; answers their exit code. */
export async function runElsewhere(system: Elsewhere): Promise<number> {
  const root = await system.setUp();
  const folder = await Deno.makeTempDir({ prefix: "krustlet-elsewhere-" });
  try {
    const targets = chooseTargets([system.target]);
    const [archive = ""] = await packageAll(targets, { out: join(folder, "out") });
    const home = await unpack(join(folder, "out", archive), folder);
    const program = join(folder, "krustlet");
    const script = system.launcher({ root, home, shared: dirname(folder) });
    await Deno.writeTextFile(program, script, { mode: 0o755 });
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "scripts/run_tests.ts", "--cluster", "tests/elsewhere/release.ts"],
      cwd: ROOT,
      env: { KRUSTLET_TEST_PROGRAM: program, KRUSTLET_TEST_TARGET: system.target },
      stdin: "null",
    }).spawn().status;
    return code;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Answers the folder that an archive has in it. */
async function unpack(archive: string, to: string): Promise<string> {
  if (archive.endsWith(".zip")) {
    for (const [path, bytes] of Object.entries(unzipSync(await Deno.readFile(archive)))) {
      await Deno.mkdir(dirname(join(to, path)), { recursive: true });
      await Deno.writeFile(join(to, path), bytes, { mode: 0o755 });
    }
  } else {
    const args = ["-xzf", archive, "-C", to];
    const { success } = await new Deno.Command("tar", { args, stdin: "null" }).output();
    if (!success) throw new Error(`Cannot unpack "${archive}": tar refuses it`);
  }
  return join(to, archive.slice(archive.lastIndexOf("/") + 1).replace(/\.(tar\.gz|zip)$/, ""));
}

if (import.meta.main) {
  const [name = ""] = Deno.args;
  const system = SYSTEMS[name];
  if (system === undefined) {
    console.error(`Cannot run elsewhere: say where, ${Object.keys(SYSTEMS).join(" or ")}`);
    Deno.exit(1);
  }
  try {
    Deno.exit(await runElsewhere(system));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
