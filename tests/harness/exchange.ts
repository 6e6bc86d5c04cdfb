/**
 * One registry at which we and other people's tools leave images for each other.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { goProgram } from "../parts/go_program.ts";
import { runTool } from "../parts/run.ts";
import { type CommandResult, runKrustlet } from "./command.ts";
import { type OciTool, OciTools, startCraneRegistry } from "./oci_tools.ts";
import type { RegistryAddress } from "./push.ts";
import { startRegistry } from "./registry.ts";
import { tempFolder } from "./temp_folder.ts";
import { clusterTest } from "./testbed.ts";

const USER = { user: "ada", password: "lovelace: engine" };

/** The registries, each started anew: two implementations, and all ways to ask who comes. */
export const REGISTRIES = {
  "distribution": () => startRegistry(),
  "distribution with TLS and basic auth": () => startPrivateRegistry("basic"),
  "distribution with TLS and a token server": () => startPrivateRegistry("token"),
  "go-containerregistry's registry": () => startCraneRegistry(),
} as const satisfies Readonly<Record<string, () => Promise<RegistryAddress & AsyncDisposable>>>;

/** The name of one of {@linkcode REGISTRIES}. */
export type RegistryKind = keyof typeof REGISTRIES;

/** Answers how to write tests on one kind of registry, which each of them finds empty. */
export function useExchange(kind: RegistryKind): (
  name: string,
  play: (exchange: Exchange) => Promise<void>,
) => void {
  return (name, play) =>
    clusterTest(`${kind}: ${name}`, async () => {
      await using registry = await REGISTRIES[kind]();
      await using tools = await OciTools.open(registry);
      await play(new Exchange(registry, tools));
    });
}

/** Starts a registry with TLS, of an authority of its own, and one user. */
export async function startPrivateRegistry(
  auth: "basic" | "token",
): Promise<RegistryAddress & AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const certs = started.use(await tempFolder());
  await runTool([await goProgram("aide"), "certs", certs.path]);
  const registry = started.use(await startRegistry({ certs: certs.path, auth, ...USER }));
  const all = started.move();
  return { ...registry, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A registry, the tools that know it, ourselves, and a folder in which all of them work. */
export class Exchange {
  readonly registry: RegistryAddress;
  readonly tools: OciTools;

  constructor(registry: RegistryAddress, tools: OciTools) {
    this.registry = registry;
    this.tools = tools;
  }

  /** Runs krustlet with the flags for the registry; it must succeed. */
  async krustlet(command: string, ...args: readonly string[]): Promise<CommandResult> {
    const all = [command, ...this.tools.krustletFlags, ...args];
    const result = await runKrustlet(all, { cwd: this.tools.path });
    assert.equal(result.code, 0, `krustlet ${all.join(" ")}: ${result.stderr}`);
    return result;
  }

  /** Runs another's tool; it must succeed. */
  async run(tool: OciTool, command: string, ...args: readonly string[]): Promise<string> {
    return await this.tools.run(tool, command, ...args);
  }

  /** Runs each image in a container of one pod; all must say hello. */
  async runsHello(...images: readonly string[]): Promise<void> {
    const containers = images.map((image, i) => ({ name: `c${i}`, image }));
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "hello" },
      spec: { restartPolicy: "Never", containers },
    };
    await this.write("pod.json", JSON.stringify(pod));
    const { stdout } = await this.krustlet("run", this.path("pod.json"));
    assert.equal(stdout.match(/Hello, world!$/gm)?.length, images.length, stdout);
  }

  /** The name of a repository's image. */
  image(repository: string, tag = "v1"): string {
    return `${this.registry.host}/${repository}:${tag}`;
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.tools.path, name);
  }

  /** Writes files into the folder, by path. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = this.path(name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }

  /** Reads a file of the folder. */
  async read(name: string): Promise<Uint8Array> {
    return await Deno.readFile(this.path(name));
  }
}

/** Waits for all, also where one fails, so that nothing works on in a folder that goes. */
export async function allOf<T extends readonly Promise<unknown>[] | []>(
  works: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}
