/**
 * Measures pulls and pushes of a large module against crane, with a real registry on this machine.
 *
 *     deno run -A scripts/bench_images.ts [--mib 100] [--rounds 5] [--crane PATH]
 *
 * Without `--crane` the one of `tests/oci_tools` is built. Each round measures all rows one after the
 * other, so that a busy moment of the machine is in all of them; medians and ratios are printed. What
 * is measured of ours is what a pod waits for in a running agent; a process of crane begins anew each
 * time, and its own start is printed as well, so that it can be taken off.
 *
 * @module
 */
import { randomFillSync } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ImageStore } from "../lib/images/mod.ts";
import { type Access, bytesSource, OciClient } from "../lib/images/oci/mod.ts";
import { startRegistry } from "../tests/harness/registry.ts";
import { tempFolder } from "../tests/harness/temp_folder.ts";

const CRANE = "github.com/google/go-containerregistry/cmd/crane";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** Bytes that `randomFillSync` takes at once without holding up the machine. */
const FILL_BYTES = 1024 * 1024;

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "100" },
    rounds: { type: "string", default: "5" },
    crane: { type: "string" },
  },
});
const { signal } = new AbortController();

async function main(): Promise<void> {
  await using folder = await tempFolder();
  await using registry = await startRegistry();
  const crane = values.crane ?? await buildCrane(folder.path);
  const bytes = noise(Number(values.mib) * 1024 * 1024);
  const { host } = registry;
  using client = new OciClient({ insecure: [host] });
  const access = { registry: host, repository: "bench", credential: undefined };
  const digest = await pushImage(client, access, bytes);
  const image = `${host}/bench:v1`;
  const out = join(folder.path, "out");

  const rows: Readonly<Record<string, () => Promise<unknown>>> = {
    "pull: ours": () => pull(image, join(folder.path, "store")),
    "pull: crane, as an OCI layout": () =>
      run([crane, "pull", "--insecure", "--format", "oci", image, out]),
    "pull: crane blob > file": () =>
      run([
        "sh",
        "-c",
        `"$1" blob --insecure "$2" > "$3"`,
        "sh",
        crane,
        `${host}/bench@${digest}`,
        out,
      ]),
    "push of the blob: ours": () =>
      client.pushBlob({ ...access, repository: `ours${++count}` }, bytesSource(bytes), { signal }),
    "crane's own start": () => run([crane, "version"]),
  };
  let count = 0;
  const tookMs = new Map(Object.keys(rows).map((name) => [name, [] as number[]]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, work] of Object.entries(rows)) {
      const fromMs = performance.now();
      await work();
      tookMs.get(name)!.push(performance.now() - fromMs);
      for (const path of [out, join(folder.path, "store")]) {
        await Deno.remove(path, { recursive: true }).catch(() => {});
      }
    }
  }
  print(tookMs);
}

async function pull(image: string, dir: string): Promise<void> {
  const registries = { insecure: [image.split("/")[0]!] };
  await using store = new ImageStore({ dir, registries, localModules: "refused" });
  await store.ensure({ image, secrets: [] }, { signal });
}

async function pushImage(
  client: OciClient,
  access: Access,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const layer = bytesSource(bytes);
  const config = bytesSource(new TextEncoder().encode("{}"));
  for (const source of [layer, config]) await client.pushBlob(access, source, { signal });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: "application/vnd.wasm.config.v1+json", digest: config.digest, size: 2 },
    layers: [{
      mediaType: "application/vnd.wasm.content.layer.v1+wasm",
      digest: layer.digest,
      size: layer.size,
    }],
  };
  const encoded = new TextEncoder().encode(JSON.stringify(manifest));
  await client.pushManifest(access, { bytes: encoded, mediaType: MANIFEST }, { signal, tag: "v1" });
  return layer.digest;
}

/** Noise behind the first bytes of a module: nothing on the way can make it smaller. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += FILL_BYTES) {
    randomFillSync(bytes, at, Math.min(FILL_BYTES, size - at));
  }
  bytes.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return bytes;
}

async function buildCrane(folder: string): Promise<string> {
  const path = join(folder, "crane");
  const cwd = fileURLToPath(new URL("../tests/oci_tools", import.meta.url));
  await run(["go", "build", "-o", path, CRANE], cwd);
  return path;
}

async function run([command = "", ...args]: readonly string[], cwd?: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    ...(cwd === undefined ? {} : { cwd }),
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr)}`);
}

function print(tookMs: ReadonlyMap<string, readonly number[]>): void {
  const median = (name: string): number => {
    const sorted = tookMs.get(name)!.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  for (const [name, times] of tookMs) {
    const list = times.map((ms) => ms.toFixed(0)).join(" ");
    console.log(`${name.padEnd(32)} ${median(name).toFixed(0).padStart(6)} ms   (${list})`);
  }
  const ours = median("pull: ours");
  for (const other of ["pull: crane, as an OCI layout", "pull: crane blob > file"]) {
    console.log(`ours / ${other.slice("pull: ".length)}: ${(ours / median(other)).toFixed(2)}`);
  }
}

await main();
