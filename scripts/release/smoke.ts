/**
 * Runs an asset of a release on the system that it is for, before anybody can download it.
 *
 *     deno run -A scripts/release/smoke.ts ASSET…
 *
 * An asset is a binary, or an archive, which is unpacked. Needs no cluster and no network.
 *
 * @module
 */
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { assemble, DEEP, EXITS, type SmokeGuest, SPEAKS, THREADS } from "./smoke_guests.ts";

/** A release that hangs must not hold its workflow: each command takes some seconds at most. */
const COMMAND_MS_MAX = 120_000;

/** Tries a program, and answers what is wrong with it: nothing at best. */
export async function smoke(
  program: string,
  { version, guests }: { readonly version: string; readonly guests: readonly SmokeGuest[] },
): Promise<string[]> {
  const home = await Deno.makeTempDir({ prefix: "krustlet-smoke-" });
  const wrong: string[] = [];
  try {
    const told = await execute(program, ["--version"], home);
    if (told.code !== 0 || told.stdout.trim() !== `krustlet ${version}`) {
      wrong.push(`--version: ${describe(told)}`);
    }
    const help = await execute(program, ["--help"], home);
    if (help.code !== 0 || !help.stdout.includes("run")) wrong.push(`--help: ${describe(help)}`);
    for (const guest of guests) {
      const file = join(home, `${guest.name}.wasm`);
      await Deno.writeFile(file, await assemble(guest));
      const ran = await execute(program, ["run", file], home);
      const said = guest.says === undefined || ran.stdout.includes(guest.says);
      if (ran.code !== guest.code || !said) wrong.push(`guest ${guest.name}: ${describe(ran)}`);
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
  return wrong;
}

/** The guests that must run on a system. */
export function guestsFor(os: typeof Deno.build.os): readonly SmokeGuest[] {
  return os === "linux" ? [EXITS, SPEAKS, DEEP, THREADS] : [EXITS, SPEAKS, DEEP];
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function execute(
  program: string,
  args: readonly string[],
  home: string,
): Promise<Outcome> {
  // Windows starts no batch file by itself.
  const words = program.endsWith(".cmd")
    ? ["cmd", "/d", "/c", program, ...args]
    : [program, ...args];
  const { code, stdout, stderr } = await new Deno.Command(words[0]!, {
    args: words.slice(1),
    cwd: home,
    env: { NO_COLOR: "1", HOME: home, USERPROFILE: home },
    stdin: "null",
    signal: AbortSignal.timeout(COMMAND_MS_MAX),
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function describe({ code, stdout, stderr }: Outcome): string {
  return `code ${code}, stdout ${JSON.stringify(stdout)}, stderr ${JSON.stringify(stderr)}`;
}

/** The program of an asset: a binary itself, or what an archive has at its top. */
async function programOf(asset: string, folder: string): Promise<string> {
  if (!/\.(tar\.gz|zip)$/.test(asset)) {
    if (Deno.build.os !== "windows") await Deno.chmod(asset, 0o755);
    return await Deno.realPath(asset);
  }
  // Windows' own tar reads zip archives too.
  const { success, stderr } = await new Deno.Command("tar", {
    args: ["-xf", await Deno.realPath(asset)],
    cwd: folder,
  }).output();
  if (!success) throw new Error(`Cannot unpack "${asset}": ${new TextDecoder().decode(stderr)}`);
  const [top] = await Array.fromAsync(Deno.readDir(folder));
  return join(folder, top?.name ?? "", asset.endsWith(".zip") ? "krustlet.cmd" : "krustlet");
}

if (import.meta.main) {
  if (Deno.args.length === 0) {
    console.error("Cannot try an asset: none is named");
    Deno.exit(2);
  }
  let failed = false;
  for (const asset of Deno.args) {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "krustlet-asset-" }));
    try {
      const program = await programOf(asset, folder);
      const guests = guestsFor(Deno.build.os);
      const wrong = await smoke(program, { version: manifest.version, guests });
      for (const line of wrong) console.error(`${asset}: ${line}`);
      console.log(`${asset}: ${wrong.length === 0 ? "good" : "bad"}`);
      failed ||= wrong.length > 0;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  Deno.exit(failed ? 1 : 0);
}
