/**
 * Registries and their clients that others have made: crane with its registry, regctl, skopeo, oras.
 *
 * @module
 */
import { join } from "node:path";
import { goProgram } from "../parts/go_program.ts";
import { runTool, toolWorks } from "../parts/run.ts";
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
export type OciTool = "crane" | "regctl" | "skopeo" | "oras";

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

  /** Runs a tool in the folder, and answers what it printed. */
  async run(tool: OciTool, ...args: readonly string[]): Promise<string> {
    const [program, ...first] = await commandOf(tool);
    // It stands for "any certificate" as well, so that no system's own authorities are in question.
    const last = tool === "crane" ? ["--insecure"] : [];
    const command = [program, ...first, ...args, ...last] as const;
    return await runTool(command, { cwd: this.path, env: this.#env() });
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

  /** Flags of skopeo for one side of a copy. */
  skopeoFlags(side: "src" | "dest"): string[] {
    const { caPem, user, password } = this.#registry;
    return [
      `--${side}-tls-verify=false`,
      ...(caPem === undefined || user === undefined ? [] : [`--${side}-creds=${user}:${password}`]),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }

  #env(): Record<string, string> {
    return {
      DOCKER_CONFIG: this.path,
      REGCTL_CONFIG: join(this.path, "regctl.json"),
      SSL_CERT_FILE: join(this.path, "ca.crt"),
    };
  }
}

/**
 * True for a tool that somebody has installed here. Of one that is not, it says so: then nothing is
 * pushed or pulled with it.
 */
export async function isInstalled(tool: "skopeo" | "oras"): Promise<boolean> {
  const works = await toolWorks(tool === "skopeo" ? ["skopeo", "--version"] : [...ORAS, "about"]);
  if (!works) console.error(`Left out: ${tool} is not installed here, so it takes no part`);
  return works;
}

/** Python's oras is a library: `push IMAGE FILE:TYPE…`, `pull IMAGE FOLDER`, over plain HTTP. */
const ORAS = [
  "python3",
  "-c",
  `import sys, oras.client
verb, args = sys.argv[1], sys.argv[2:]
client = oras.client.OrasClient(insecure=True)
if verb == "push":
    client.push(target=args[0], files=args[1:])
elif verb == "pull":
    client.pull(target=args[0], outdir=args[1])
`,
] as const;

async function commandOf(tool: OciTool): Promise<readonly [string, ...string[]]> {
  if (tool === "oras") return ORAS;
  return [tool === "skopeo" ? tool : await goProgram(tool)];
}
