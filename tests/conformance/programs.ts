/**
 * Builds the programs of the suite's images as Wasm.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, hashFolder } from "../parts/cache.ts";
import { goNetVersion, writeGoNetOverlay } from "../parts/go_net.ts";
import { goVersion } from "../parts/go_program.ts";
import { runTool, withProgress } from "../parts/run.ts";

const SOURCES = fileURLToPath(new URL("./images", import.meta.url));
const SELF = fileURLToPath(import.meta.url);
/** The shell as a library. */
const SHELL = "mvdan.cc/sh/v3";
/** Whose packages agnhost is made of. */
const KUBERNETES = "k8s.io/kubernetes";
/** What agnhost serves HTTPS with, by its name in the image. */
const CERTIFICATE = ["localhost.crt", "localhost.key"] as const;

/** The programs, as Wasm. */
export interface Programs {
  readonly busybox: Uint8Array;
  readonly agnhost: Uint8Array;
  readonly pause: Uint8Array;
  /** Files that are beside agnhost, by their names. */
  readonly certificate: Readonly<Record<string, Uint8Array>>;
}

/** Builds them, once, and answers their bytes. It takes about a minute. */
export async function buildPrograms(): Promise<Programs> {
  const folder = await cached({
    name: "conformance_images",
    inputs: [
      await hashFolder(SOURCES, (name) => /\.(go|wat)$|^go\.(mod|sum)$/.test(name)),
      await goVersion(),
      await goNetVersion(),
      await Deno.readTextFile(SELF),
    ],
    build: (output) => withProgress("the programs of the test images", () => build(output)),
  });
  const read = (name: string): Promise<Uint8Array> => Deno.readFile(join(folder, name));
  const certificate: Record<string, Uint8Array> = {};
  for (const name of CERTIFICATE) certificate[name] = await read(name);
  return {
    busybox: await read("busybox.wasm"),
    agnhost: await read("agnhost.wasm"),
    pause: await read("pause.wasm"),
    certificate,
  };
}

async function build(output: string): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "krustlet-test-" });
  try {
    const goMod = await withShellForWasi(scratch);
    const overlay = await writeGoNetOverlay(scratch);
    for (const name of ["busybox", "agnhost"]) {
      const flags = [`-modfile=${goMod}`, `-overlay=${overlay}`, "-trimpath", "-ldflags", "-s -w"];
      await runTool(["go", "build", ...flags, "-o", join(output, `${name}.wasm`), `./${name}`], {
        cwd: SOURCES,
        env: { GOOS: "wasip1", GOARCH: "wasm", CGO_ENABLED: "0" },
      });
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  const porter = join(await moduleFolder(KUBERNETES), "test/images/agnhost/porter");
  for (const name of CERTIFICATE) {
    await Deno.writeFile(join(output, name), await Deno.readFile(join(porter, name)));
  }
  const { default: load } = await import("wabt");
  const wabt = await load();
  const text = await Deno.readTextFile(join(SOURCES, "pause.wat"));
  const module = wabt.parseWat("pause.wat", text);
  await Deno.writeFile(join(output, "pause.wasm"), module.toBinary({}).buffer);
  module.destroy();
}

/**
 * Answers a go.mod in `scratch` that takes the shell with its pipes in memory.
 *
 * The library has them for JavaScript only; WASI has no pipes either, so a copy of it is told so.
 */
async function withShellForWasi(scratch: string): Promise<string> {
  const goMod = join(scratch, "go.mod");
  await Deno.copyFile(join(SOURCES, "go.mod"), goMod);
  await Deno.copyFile(join(SOURCES, "go.sum"), join(scratch, "go.sum"));
  const theirs = await moduleFolder(SHELL);
  const copy = join(scratch, "sh");
  await copyFolder(theirs, copy);
  const change = async (file: string, to: string, edit: readonly [string, string]) => {
    const text = await Deno.readTextFile(join(theirs, "interp", file));
    if (!text.includes(edit[0])) throw new Error(`Cannot build the shell: ${file} has changed`);
    await Deno.remove(join(copy, "interp", file));
    await Deno.writeTextFile(join(copy, "interp", to), text.replace(...edit));
  };
  await change("stdin_js.go", "stdin_memory.go", ["//go:build js", "//go:build js || wasip1"]);
  await change("stdin_os.go", "stdin_os.go", ["//go:build !js", "//go:build !js && !wasip1"]);
  await runTool(["go", "mod", "edit", `-replace=${SHELL}=${copy}`, goMod]);
  return goMod;
}

/** Where a module's sources are on this machine. */
async function moduleFolder(module: string): Promise<string> {
  const found = await runTool(["go", "mod", "download", "-json", module], { cwd: SOURCES });
  return (JSON.parse(found) as { Dir: string }).Dir;
}

/** Copies what a build reads; the module cache's own files may not be written. */
async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.writeFile(join(to, name), await Deno.readFile(join(from, name)));
  }
}
