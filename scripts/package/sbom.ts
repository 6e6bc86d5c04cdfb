/**
 * What an archive is made of, as CycloneDX 1.6 tells it.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** The part of `deno.lock` (version 5) that is read. */
export interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<
    Record<string, { readonly integrity: string; readonly dependencies?: readonly string[] }>
  >;
}

/** Everything that the list names beside the lock. */
export interface SbomOptions {
  readonly version: string;
  /** Packages that only tests and scripts use, as in the import map. */
  readonly unused: readonly string[];
  readonly runtime: { readonly version: string; readonly sha512: string };
}

/** A bill of materials: the program, its runtime, and every npm package that may be in the bundle. */
export function sbom(lock: Lock, { version, unused, runtime }: SbomOptions): unknown {
  const name = "krustlet";
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        ...{ type: "application", "bom-ref": name, name, version },
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: [
      {
        ...{ type: "platform", "bom-ref": "deno", name: "deno", version: runtime.version },
        hashes: [{ alg: "SHA-512", content: runtime.sha512 }],
        licenses: [{ license: { id: "MIT" } }],
      },
      ...usedPackages(lock, unused).map((id) => component(id, lock.npm[id]!.integrity)),
    ],
  };
}

/** The ids of all packages that the program can reach, in order. */
export function usedPackages(lock: Lock, unused: readonly string[]): string[] {
  const found = new Set<string>();
  const roots = Object.entries(lock.specifiers)
    .filter(([specifier]) => !unused.some((name) => specifier.startsWith(`npm:${name}@`)))
    .map(([specifier, resolved]) => `${nameOf(specifier.slice("npm:".length))}@${resolved}`);
  const queue = [...roots];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const key = keyOf(lock, id);
    if (found.has(key)) continue;
    found.add(key);
    queue.push(...lock.npm[key]!.dependencies ?? []);
  }
  return [...found].sort();
}

/** The lock leaves out a version where there is but one. */
function keyOf({ npm }: Lock, id: string): string {
  if (npm[id] !== undefined) return id;
  const key = Object.keys(npm).find((one) => nameOf(one) === id);
  if (key === undefined) {
    throw new Error(`Cannot list package "${id}": deno.lock has no such entry`);
  }
  return key;
}

function nameOf(id: string): string {
  const at = id.indexOf("@", 1);
  return at < 0 ? id : id.slice(0, at);
}

function component(id: string, integrity: string): unknown {
  const name = nameOf(id);
  // What follows "_" are the peers that it was resolved with.
  const [version = ""] = id.slice(name.length + 1).split("_");
  return {
    type: "library",
    "bom-ref": id,
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    hashes: [{
      alg: "SHA-512",
      content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex"),
    }],
  };
}
