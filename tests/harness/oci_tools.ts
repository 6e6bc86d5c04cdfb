/**
 * Registries and their clients that others have made: crane with its registry, regctl, skopeo's engine,
 * and both oras.
 *
 * @module
 */
import { join } from "node:path";
import { goProgram } from "../parts/go_program.ts";
import { pythonOras } from "../parts/python_oras.ts";
import { runTool } from "../parts/run.ts";
import { eventually } from "./eventually.ts";
import { startProcess } from "./processes.ts";
import type { RegistryAddress } from "./push.ts";
import { tempFolder } from "./temp_folder.ts";

/** Starts the registry of go-containerregistry, in memory, on a free port of this machine. */
export async function startCraneRegistry(): Promise<RegistryAddress & AsyncDisposable> {
  const folder = await tempFolder();
  const process = await startProcess(
    [await goProgram("crane"), "registry", "serve", "--address", "127.0.0.1:0"],
    { name: "crane registry", logPath: join(folder.path, "registry.log") },
  );
  const port = await eventually("crane's registry to listen", async () => {
    await process.mustRun();
    return /serving on port (\d+)/.exec(await process.log())?.[1];
  });
  return {
    host: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await process.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The tools that can be asked to do something with a registry. */
export type OciTool = "crane" | "regctl" | "skopeo" | "oras" | "python-oras";

/** Tools that know one registry, its authority and its user; and a folder for what they write. */
export class OciTools implements AsyncDisposable {
  readonly path: string;
  readonly #registry: RegistryAddress;
  readonly #folder: AsyncDisposable;

  /** Writes the tools' configurations. */
  static async open(registry: RegistryAddress): Promise<OciTools> {
    const folder = await tempFolder();
    const { host, caPem, user, password } = registry;
    await Deno.writeTextFile(join(folder.path, "ca.crt"), caPem ?? "");
    const auths = user === undefined ? {} : { [host]: { auth: btoa(`${user}:${password}`) } };
    await Deno.writeTextFile(join(folder.path, "config.json"), JSON.stringify({ auths }));
    const entry = {
      tls: caPem === undefined ? "disabled" : "enabled",
      ...(caPem === undefined ? {} : { regcert: caPem }),
      ...(user === undefined ? {} : { user, pass: password }),
    };
    const regctl = JSON.stringify({ hosts: { [host]: entry } });
    await Deno.writeTextFile(join(folder.path, "regctl.json"), regctl);
    return new OciTools(registry, folder);
  }

  private constructor(
    registry: RegistryAddress,
    folder: AsyncDisposable & { readonly path: string },
  ) {
    this.#registry = registry;
    this.#folder = folder;
    this.path = folder.path;
  }

  /**
   * Runs a tool's command in the folder, with the flags that it needs for the registry, and answers what
   * it printed.
   */
  async run(tool: OciTool, command: string, ...args: readonly string[]): Promise<string> {
    const { program, env = {} } = await commandOf(tool);
    const all = [...program, command, ...this.#flags(tool), ...args] as const;
    return await runTool(all, { cwd: this.path, env: { ...this.#env(), ...env } });
  }

  /** Flags of krustlet's commands for this registry. */
  get krustletFlags(): string[] {
    const { host, caPem } = this.#registry;
    return [
      ...["--data-dir", join(this.path, "data"), "--docker-config-dir", this.path],
      ...(caPem === undefined
        ? ["--insecure-registries", host]
        : ["--registry-ca", `${host}=${join(this.path, "ca.crt")}`]),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }

  /** Most tools are told by their configurations or the environment. */
  #flags(tool: OciTool): readonly string[] {
    const plain = this.#registry.caPem === undefined;
    // It stands for "any certificate" as well, so that no system's own authorities are in question.
    if (tool === "crane") return ["--insecure"];
    if (tool === "oras") return plain ? ["--plain-http"] : [];
    if (tool !== "skopeo") return [];
    const sides = ["src", "dest"].flatMap((side) =>
      plain ? [`--${side}-tls-verify=false`] : [`--${side}-cert-dir`, this.path]
    );
    return ["--authfile", join(this.path, "config.json"), ...sides];
  }

  #env(): Record<string, string> {
    const authority = join(this.path, "ca.crt");
    return {
      DOCKER_CONFIG: this.path,
      REGCTL_CONFIG: join(this.path, "regctl.json"),
      SSL_CERT_FILE: authority,
      ORAS_CONFIG: join(this.path, "config.json"),
      ...(this.#registry.caPem === undefined ? {} : { ORAS_CA: authority }),
    };
  }
}

async function commandOf(tool: OciTool): Promise<{
  readonly program: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}> {
  if (tool !== "python-oras") return { program: [await goProgram(tool)] };
  const python = await pythonOras();
  if (python === undefined) {
    throw new Error("Cannot run Python's oras: it cannot be installed here");
  }
  return { program: python.command, env: python.env };
}
