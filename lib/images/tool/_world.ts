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
