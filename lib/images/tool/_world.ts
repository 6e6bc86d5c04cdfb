import { join } from "node:path";
import { type RegistryOptions, TestRegistry } from "../oci/_test_registry.ts";
import type { CommandWorld } from "./commands.ts";
import type { ToolSettings } from "./session.ts";

/** What a node of these tests runs. */
export const TERMS = {
  bytesMax: 16 * 1024 * 1024,
  imports: ["wasi_snapshot_preview1"],
  components: false,
};

/** A registry, a folder, and a screen that remembers. */
export interface ToolScene {
  readonly registry: TestRegistry;
  readonly dir: string;
  readonly world: CommandWorld;
  /** What was printed, by stream; and forgets it. */
  printed(): { stdout: string; stderr: string };
  settings(more?: Partial<ToolSettings>): ToolSettings;
  /** Writes a file below `dir`, and answers its path. */
  file(name: string, content: Uint8Array): Promise<string>;
}

/** Plays a test with a scene of its own. */
export async function withScene(
  options: RegistryOptions,
  play: (scene: ToolScene) => Promise<void>,
): Promise<void> {
  await using registry = await TestRegistry.start(options);
  const dir = await Deno.makeTempDir();
  const printed = { stdout: "", stderr: "" };
  const world: CommandWorld = {
    terms: TERMS,
    signal: new AbortController().signal,
    screen: {
      terminal: false,
      columns: () => 80,
      write: (stream, bytes) => {
        printed[stream] += new TextDecoder().decode(bytes);
      },
    },
  };
  try {
    await play({
      registry,
      dir,
      world,
      printed: () => {
        const copy = { ...printed };
        Object.assign(printed, { stdout: "", stderr: "" });
        return copy;
      },
      settings: (more = {}) => ({
        dataDir: join(dir, "data"),
        insecure: true,
        insecureRegistries: [],
        registryMirrors: {},
        registryCas: {},
        registryClientCerts: {},
        images: {
          dockerConfigDir: join(dir, "docker"),
          home: undefined,
          providers: undefined,
          policyFile: undefined,
        },
        json: false,
        quiet: false,
        ...more,
      }),
      file: async (name, content) => {
        const path = join(dir, name);
        await Deno.mkdir(join(path, ".."), { recursive: true });
        await Deno.writeFile(path, content);
        return path;
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A section with lengths below 128. */
function section(id: number, ...parts: (number | string)[]): number[] {
  const bytes = parts.flatMap((part) =>
    typeof part === "number" ? [part] : [part.length, ...new TextEncoder().encode(part)]
  );
  return [id, bytes.length, ...bytes];
}

/** A program that imports one function. */
export function program(
  module = "wasi_snapshot_preview1",
  name = "fd_write",
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(2, 1, module, name, 0, 0),
    ...section(3, 1, 0),
    ...section(7, 1, "_start", 0, 1),
    ...section(10, 1, 2, 0, 0x0b),
  ]);
}
