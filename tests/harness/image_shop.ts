/**
 * `krustlet pull` of images that nobody else has, from a registry of its own into a store of its own.
 *
 * @module
 */
import { join } from "node:path";
import { type CommandResult, krustletCommand, runKrustlet } from "./command.ts";
import { type Process, startProcess } from "./processes.ts";
import { pushArtifact, type Pushed } from "./push.ts";
import { type Registry, startRegistry } from "./registry.ts";
import { tempFolder } from "./temp_folder.ts";

/** A pull that takes longer hangs. */
const PULL_MS_MAX = 60_000;
/** How each module begins. */
export const WASM_HEAD: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A registry, and a folder for agents' data. */
export class ImageShop implements AsyncDisposable {
  readonly registry: Registry;
  /** Of the agents, if they are on no other disk. */
  readonly data: string;
  readonly #folder: AsyncDisposable;

  /** Starts the registry. */
  static async open(): Promise<ImageShop> {
    const folder = await tempFolder();
    return new ImageShop(await startRegistry(), folder);
  }

  private constructor(registry: Registry, folder: AsyncDisposable & { readonly path: string }) {
    this.registry = registry;
    this.data = join(folder.path, "data");
    this.#folder = folder;
  }

  /** Pushes a module of about so many bytes, and of this content only. */
  async module(repo: string, bytes = 100): Promise<Pushed> {
    return await pushArtifact(this.registry, { repo, wasm: moduleOf(bytes, repo) });
  }

  /** The words of a pull, behind those that start the program. */
  words(image: string, data = this.data): string[] {
    const host = image.slice(0, image.indexOf("/"));
    return ["pull", "--insecure-registries", host, "--data-dir", data, image];
  }

  /** Pulls to the end. */
  async pull(image: string): Promise<CommandResult> {
    return await runKrustlet(this.words(image));
  }

  /** Starts a pull, whose output is its log. */
  async start(image: string): Promise<Process> {
    const name = `pull-${crypto.randomUUID().slice(0, 8)}`;
    return await startProcess([...krustletCommand(), ...this.words(image)], {
      name,
      logPath: join(this.data, "..", `${name}.log`),
    });
  }

  /** What is in a folder of the store. */
  async names(folder: string): Promise<string[]> {
    return await namesIn(join(this.data, "images", folder));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A module that holds nothing but noise of its name, in a section that engines leave alone. */
function moduleOf(bytes: number, name: string): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let x = [...name].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7);
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  const noise = new Uint8Array(words.buffer);
  const sizeOf = (n: number): number[] => [0, 7, 14, 21].map((bits) => (n >> bits & 127) | 128);
  const size = [...sizeOf(noise.length + 1), 0];
  return Uint8Array.from([...WASM_HEAD, 0, ...size, 0, ...noise]);
}

/** The names in a folder; none if there is none. */
export async function namesIn(path: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(path), ({ name }) => name).catch(() => []);
}

/** Runs any command, which ends within PULL_MS_MAX. */
export async function run(command: readonly string[]): Promise<CommandResult> {
  const [program = "", ...args] = command;
  const signal = AbortSignal.timeout(PULL_MS_MAX);
  const output = await new Deno.Command(program, { args, env: { NO_COLOR: "1" }, signal }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}
