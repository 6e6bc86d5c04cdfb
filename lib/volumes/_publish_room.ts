import type { Payload } from "./payload.ts";

/** Files to publish, by path. */
export function payload(files: Record<string, string>, mode = 0o644): Payload {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode }]),
  );
}

/** Runs a test in a folder of its own. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Names of everything in a folder, in order. */
export function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}
