/**
 * Somebody who does what the documentation says, in a home and a checkout of their own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Cluster } from "../harness/cluster.ts";
import { krustletCommand } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { conditionOf, type Node } from "../harness/objects.ts";
import { freePort, machineAddress } from "../harness/ports.ts";
import { type Process, startProcess } from "../harness/processes.ts";
import { type Registry, startRegistry } from "../harness/registry.ts";
import { tempFolder } from "../harness/temp_folder.ts";
import { kubernetesProgram } from "../parts/kubernetes.ts";
import { runTool } from "../parts/run.ts";
import { type Command, commandsOf, krustletCalls, TYPED } from "./command_lines.ts";
import { fits, substitute, type Substitutes } from "./output.ts";
import { readPage, ROOT } from "./page.ts";
import { downloader, release } from "./release.ts";

/** The node of all examples. */
const NODE = "worker-1";
/** The request of all examples; the digits are random. */
const REQUEST = /worker-1-tls-[0-9a-f]{10}/;
const REQUEST_HERE = "worker-1-tls-3f9c2b07aa";
/** Any command takes less, on a busy machine as well. */
const COMMAND_MS_MAX = 180_000;

/** What is special about the commands of a page. */
export interface Circumstances {
  /** What is done before the command that this fits. */
  readonly before?: readonly (readonly [line: RegExp, act: () => Promise<void>])[];
  /** Commands that go on until they are stopped, and what shows that they have begun. */
  readonly lasting?: readonly (readonly [line: RegExp, begun: () => Promise<unknown>])[];
  readonly substitutes?: Substitutes;
}

/** A reader with a home, a checkout, a registry and, if it is asked for, a cluster. */
export class Reader implements AsyncDisposable {
  /** The working folder: a fresh checkout, and the reader's own files beside it. */
  readonly dir: string;
  readonly home: string;
  readonly namespace: string;
  readonly registry: Registry;
  readonly #cluster: Cluster;
  readonly #env: Readonly<Record<string, string>>;
  readonly #parts: AsyncDisposable;
  #agent: Process | undefined;

  private constructor(parts: {
    readonly root: string;
    readonly namespace: string;
    readonly registry: Registry;
    readonly cluster: Cluster;
    readonly parts: AsyncDisposable;
  }) {
    this.dir = join(parts.root, "checkout");
    this.home = join(parts.root, "home");
    this.namespace = parts.namespace;
    this.registry = parts.registry;
    this.#cluster = parts.cluster;
    this.#parts = parts.parts;
    this.#env = environment(parts.root, parts.registry.host);
  }

  /**
   * Makes home, checkout and registry; an administrator's kubeconfig is where kubectl looks for it. With
   * `release` there is one to be downloaded, and krustlet is not there before it is installed.
   */
  static async open(
    cluster: Cluster,
    { release: wanted = false }: { readonly release?: boolean } = {},
  ): Promise<Reader> {
    await using started = new AsyncDisposableStack();
    const { path: root } = started.use(await tempFolder());
    const registry = started.use(await startRegistry());
    const namespace = started.use(await cluster.namespace("docs")).name;
    const home = join(root, "home");
    for (const folder of ["checkout", "bin", "home/.kube"]) {
      await Deno.mkdir(join(root, folder), { recursive: true });
    }
    const kubeconfig = JSON.parse(await Deno.readTextFile(cluster.kubeconfig));
    for (const { context } of kubeconfig.contexts) context.namespace = namespace;
    await Deno.writeTextFile(join(home, ".kube/config"), JSON.stringify(kubeconfig));
    await checkOut(join(root, "checkout"));
    await writePrograms(join(root, "bin"), wanted ? await release() : undefined);
    return new Reader({ root, namespace, registry, cluster, parts: started.move() });
  }

  /** Writes one of the reader's own files. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.mkdir(join(this.dir, path, ".."), { recursive: true });
    await Deno.writeFile(join(this.dir, path), bytes);
  }

  /** Does what a page says, in its order: all commands that need nothing. Answers how many. */
  async follow(path: string, circumstances: Circumstances = {}): Promise<number> {
    const { blocks } = await readPage(path);
    const typed = blocks.filter(({ language, needs }) =>
      TYPED.includes(language) && needs.length === 0
    );
    const commands = typed.flatMap(commandsOf);
    for (const command of commands) await this.#type(command, circumstances);
    return commands.length;
  }

  /** Runs one command line to its end, and answers all that it prints. */
  async run(line: string): Promise<string> {
    const { code, stdout } = await new Deno.Command("sh", {
      args: ["-c", `exec 2>&1\n${line}`],
      cwd: this.dir,
      env: this.#env,
      stdin: "null",
      signal: AbortSignal.timeout(COMMAND_MS_MAX),
    }).output();
    const output = new TextDecoder().decode(stdout);
    assert.equal(code, 0, `${line}\nended with code ${code}:\n${output}`);
    return output;
  }

  /** Makes this machine a node: bootstrap, start, approval. */
  async join(): Promise<void> {
    await this.run("krustlet bootstrap");
    await this.#startAgent(`krustlet --node-ip ${machineAddress()}`, undefined);
    await this.approve();
  }

  /** Approves what the agent asks for. */
  async approve(): Promise<void> {
    const request = REQUEST.exec(await this.#agent?.log() ?? "")?.[0];
    await this.#runToEnd(`kubectl certificate approve ${request}`, undefined);
  }

  /** Asks the agent to end, as Ctrl-C does. */
  async stopAgent(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent();
    await this.#cluster.delete(`/api/v1/nodes/${NODE}`);
    await this.#parts[Symbol.asyncDispose]();
  }

  async #type({ line, output, place }: Command, circumstances: Circumstances): Promise<void> {
    const substitutes = await this.#substitutes(circumstances);
    for (const [which, act] of circumstances.before ?? []) if (which.test(line)) await act();
    const real = substitute(line, substitutes);
    const expected = output === undefined
      ? undefined
      : asDocumented(substitute(output, substitutes));
    const begun = circumstances.lasting?.find(([which]) => which.test(line))?.[1];
    try {
      if (isAgent(line)) await this.#startAgent(real, expected);
      else if (begun !== undefined) await this.#startAndStop(real, begun);
      else await this.#runToEnd(real, expected);
    } catch (error) {
      console.error(`${place}: ${real}`);
      if (this.#agent !== undefined) console.error(await this.#agent.tail());
      throw error;
    }
  }

  async #runToEnd(line: string, expected: string | undefined): Promise<void> {
    const output = await this.run(line);
    // What a guest writes and what is told of it go to two streams, between which there is no order.
    const inOrder = !/\bkrustlet run\b/.test(line);
    if (expected !== undefined && !fits(asDocumented(output), expected, { inOrder })) {
      assert.equal(asDocumented(output), expected, `${line} prints something else`);
    }
    if (line.includes("certificate approve")) await this.#waitReady();
  }

  /** The agent stays until the next one, or until it is stopped. */
  async #startAgent(line: string, expected: string | undefined): Promise<void> {
    await this.stopAgent();
    const agent = await this.#start(line);
    this.#agent = agent;
    if (expected === undefined) {
      return await eventually("the agent to be Ready or to ask for approval", async () => {
        await agent.mustRun();
        if (REQUEST.test(await agent.log())) return true;
        return await this.#isReady();
      }, { withinMs: COMMAND_MS_MAX }).then(() => {});
    }
    await eventually(`the agent to say:\n${expected}\n`, async () => {
      await agent.mustRun();
      return fits(asDocumented(await agent.log()), expected);
    }, { withinMs: COMMAND_MS_MAX }).catch(async (error) => {
      throw new Error(`${error.message}\nIt said:\n${await agent.log()}`);
    });
  }

  async #startAndStop(line: string, begun: () => Promise<unknown>): Promise<void> {
    await using process = await this.#start(line);
    await eventually(`${line} to begin`, async () => {
      await process.mustRun();
      await begun();
      return true;
    }, { withinMs: COMMAND_MS_MAX });
  }

  async #start(line: string): Promise<Process> {
    const name = `docs-${crypto.randomUUID().slice(0, 8)}`;
    // So that a signal reaches the program, and not the shell.
    const command = `exec env ${line.replace(/&\s*$/, "")}`;
    return await startProcess(["sh", "-c", command], {
      name,
      logPath: join(this.dir, "..", `${name}.log`),
      cwd: this.dir,
      env: this.#env,
    });
  }

  async #substitutes({ substitutes = [] }: Circumstances): Promise<Substitutes> {
    const request = REQUEST.exec(await this.#agent?.log() ?? "")?.[0];
    return [
      ...substitutes,
      ["registry.example.com", this.registry.host],
      ["192.0.2.10", machineAddress()],
      ["/home/ada", this.home],
      ...(request === undefined ? [] : [[REQUEST_HERE, request]] as const),
    ];
  }

  async #isReady(): Promise<boolean> {
    const node = await this.#cluster.find<Node>(`/api/v1/nodes/${NODE}`);
    return node !== undefined && conditionOf(node, "Ready")?.status === "True";
  }

  async #waitReady(): Promise<void> {
    await eventually(`node ${NODE} to be Ready`, async () => {
      await this.#agent?.mustRun();
      return await this.#isReady();
    }, { withinMs: COMMAND_MS_MAX });
  }
}

/** Its digits are random, so that they are no part of what is compared. */
function asDocumented(output: string): string {
  return output.replaceAll(new RegExp(REQUEST, "g"), REQUEST_HERE);
}

/** True if the line starts the node's agent, which goes on until it is stopped. */
export function isAgent(line: string): boolean {
  return krustletCalls(line).some(([first = "start", ...more]) =>
    (first === "start" || first.startsWith("-")) &&
    ![first, ...more].some((word) => word === "--version" || word === "--help")
  );
}

/** What several agents on one machine have to differ in, and nothing that changes what a page says. */
function environment(root: string, registry: string): Record<string, string> {
  const home = join(root, "home");
  const usersCache = join(Deno.env.get("HOME") ?? "", ".cache");
  const cache = Deno.env.get("XDG_CACHE_HOME") || usersCache;
  const path = [join(home, ".local/bin"), join(root, "bin"), Deno.env.get("PATH") ?? ""];
  return {
    ...Deno.env.toObject(),
    PATH: path.join(":"),
    HOME: home,
    XDG_CACHE_HOME: cache,
    DENO_DIR: Deno.env.get("DENO_DIR") || join(cache, "deno"),
    NO_COLOR: "1",
    KUBECONFIG: "",
    KRUSTLET_NODE_NAME: NODE,
    KRUSTLET_HOSTNAME: NODE,
    KRUSTLET_PORT: String(freePort()),
    KRUSTLET_HEALTHZ_PORT: "0",
    KRUSTLET_POD_NETWORK: "loopback",
    // A machine whose disk is nearly full is no node; what the pages say has nothing to do with that.
    KRUSTLET_EVICTION_HARD: "nodefs.available<1%",
    KRUSTLET_INSECURE_REGISTRIES: registry,
    TOKEN: "lovelace",
  };
}

/** What `git clone` would give, with what is not committed yet. */
async function checkOut(dir: string): Promise<void> {
  const list = "git ls-files --cached --others --exclude-standard -z";
  const copy = `${list} | tar --null -T- -cf- | tar -xf- -C "$0"`;
  await runTool(["sh", "-c", copy, dir], { cwd: ROOT });
}

/** The programs that pages call, and what they are here. */
async function writePrograms(bin: string, downloads: string | undefined): Promise<void> {
  const deno = Deno.execPath();
  const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");
  const programs = {
    ...(downloads === undefined
      ? { krustlet: `exec ${quoted(krustletCommand())} "$@"` }
      // Else root's tests would install it for the whole machine.
      : { curl: downloader(downloads), id: "[ $1 = -u ] && echo 1000" }),
    kubectl: `exec ${quoted(await kubernetesProgram("kubectl"))} "$@"`,
    deno: `exec '${deno}' "$@"`,
    npx: `[ "$1" = -y ] && shift; case $1 in deno@*) shift; exec '${deno}' "$@" ;; esac\nexit 64`,
  };
  for (const [name, text] of Object.entries(programs)) {
    await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
}
