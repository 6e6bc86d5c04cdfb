/**
 * The official runtime, as its maker publishes it on npm.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { RUNTIME_VERSION, type Target } from "./targets.ts";

/** A runtime that cannot be had, or is not the one that is wanted; the message says what to do. */
export class RuntimeError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "RuntimeError";
}

/**
 * Fetches the runtime of a target by `npm pack`, from wherever npm is set up to fetch, and checks it
 * against the hash that is pinned here; a package that none is pinned for is not taken.
 */
export async function fetchRuntime({ name, runtime }: Target): Promise<Uint8Array> {
  const { integrity, program } = runtime;
  const id = `${runtime.package}@${RUNTIME_VERSION}`;
  if (integrity === undefined) {
    throw new RuntimeError(
      `Cannot package ${name}: no hash is pinned for ${id}; verify that package, and write its ` +
        "integrity (npm view dist.integrity) into scripts/package/targets.ts",
    );
  }
  const packed = await npmPack(id);
  verify(packed, { integrity, id });
  const found = await fileOf(gunzipSync(packed), `package/${program}`);
  if (found === undefined) {
    throw new RuntimeError(`Cannot package ${name}: ${id} has no ${program}`);
  }
  return found;
}

/** Throws {@linkcode RuntimeError} unless the bytes have this hash (W3C Subresource Integrity, SHA-512). */
export function verify(
  bytes: Uint8Array,
  { integrity, id }: { readonly integrity: string; readonly id: string },
): void {
  const [kind, wanted = ""] = integrity.split("-");
  const hash = createHash("sha512").update(bytes).digest();
  const expected = Buffer.from(wanted, "base64");
  const fits = kind === "sha512" && expected.length === hash.length &&
    timingSafeEqual(expected, hash);
  if (fits) return;
  throw new RuntimeError(
    `Cannot use ${id}: its hash is sha512-${hash.toString("base64")}, and ${integrity} is pinned`,
  );
}

async function npmPack(id: string): Promise<Uint8Array> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-runtime-" });
  try {
    const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";
    const { success, stderr } = await new Deno.Command(npm, {
      args: ["pack", "--silent", id],
      cwd: dir,
      stdin: "null",
    }).output();
    const [file] = await Array.fromAsync(Deno.readDir(dir));
    if (success && file !== undefined) return await Deno.readFile(`${dir}/${file.name}`);
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    throw new RuntimeError(
      `Cannot fetch runtime ${id} by "npm pack": ${said}; check npm's registry, or package another ` +
        "platform with --target",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function fileOf(tar: Uint8Array, path: string): Promise<Uint8Array | undefined> {
  const reader = extract();
  reader.end(tar);
  let found: Uint8Array | undefined;
  for await (const entry of reader) {
    if (entry.header.name === path) {
      const parts: Uint8Array[] = [];
      for await (const part of entry) parts.push(part as Uint8Array);
      found = Buffer.concat(parts);
    } else entry.resume();
  }
  return found;
}
