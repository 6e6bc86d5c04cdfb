/**
 * The program under test, as a process that joins a cluster.
 *
 * @module
 */
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";
import { krustletCommand } from "./command.ts";
import { eventually } from "./eventually.ts";
import { conditionOf, type Node } from "./objects.ts";
import { freePort, machineAddress } from "./ports.ts";
import { type Ending, type Process, startProcess } from "./processes.ts";
import type { SmallDisk } from "./small_disk.ts";
import { tempFolder } from "./temp_folder.ts";

/** A node must be Ready within 3 s of its approval; a busy machine gets more to be there at all. */
const READY_WITHIN_MS = 60_000;

/** What a test may want of its node. */
export interface KrustletOptions {
  /** Its own name if absent, so that several nodes can live in one cluster. */
  readonly nodeName?: string;
  /** More flags, behind those that the harness gives. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Registries whose certificate is of the cluster's authority. */
  readonly trustedRegistries?: readonly string[];
  /** Path of a module that is loaded before the program, in its process. */
  readonly preload?: string;
  /** The program in the place of the one under test. */
  readonly program?: string;
  /** Has the data folder on it. */
  readonly disk?: SmallDisk;
  /** Registries that are spoken to without TLS. */
  readonly insecureRegistries?: readonly string[];
}

/**
 * Starts krustlet, lets it join with a bootstrap token, approves its serving certificate as an
 * operator would, and waits until its node is Ready.
 *
 * The program is `main.ts` under this Deno, or what `$KRUSTLET_TEST_PROGRAM` names.
 */
export async function startKrustlet(
  cluster: Cluster,
  options: KrustletOptions = {},
): Promise<Krustlet> {
  const krustlet = await prepareKrustlet(cluster, options);
  try {
    await krustlet.start();
    await krustlet.approve();
    await krustlet.waitReady();
    return krustlet;
  } catch (error) {
    console.error(await krustlet.tail());
    await krustlet[Symbol.asyncDispose]();
    throw error;
  }
}

/** The same without starting anything, for tests of the start itself. */
export async function prepareKrustlet(
  cluster: Cluster,
  options: KrustletOptions = {},
): Promise<Krustlet> {
  const folder = await tempFolder();
  const nodeName = options.nodeName ?? `krustlet-${crypto.randomUUID().slice(0, 8)}`;
  const krustlet = new Krustlet(cluster, { ...options, nodeName }, folder);
  await writeBootstrapFile(cluster, krustlet.bootstrapFile);
  return krustlet;
}

/** One node: its files stay when its process ends and is started again. */
export class Krustlet implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly nodeName: string;
  readonly nodeIp = machineAddress();
  readonly dataDir: string;
  readonly kubeconfig: string;
  readonly bootstrapFile: string;
  readonly #options: KrustletOptions;
  readonly #folder: AsyncDisposable & { readonly path: string };
  #port = freePort();
  #process: Process | undefined;

  constructor(
    cluster: Cluster,
    options: KrustletOptions & { readonly nodeName: string },
    folder: AsyncDisposable & { readonly path: string },
  ) {
    this.cluster = cluster;
    this.nodeName = options.nodeName;
    this.#options = options;
    this.#folder = folder;
    this.dataDir = join(options.disk?.dir ?? folder.path, "data");
    this.kubeconfig = join(folder.path, "kubeconfig");
    this.bootstrapFile = join(folder.path, "bootstrap.conf");
  }

  /** The node's own API. */
  get port(): number {
    return this.#port;
  }

  get process(): Process {
    if (this.#process === undefined) throw new Error(`${this.nodeName} was not started`);
    return this.#process;
  }

  /** Starts the process and waits for nothing. */
  async start(): Promise<void> {
    const { args = [], env = {}, insecureRegistries = [], trustedRegistries = [], disk, preload } =
      this.#options;
    const { program } = this.#options;
    const authority = join(this.cluster.dir, "certs/ca.crt");
    const command = program === undefined ? krustletCommand(preload) : [program] as const;
    this.#process = await startProcess([
      ...(disk === undefined ? command : [...disk.within, ...command] as const),
      ...["--node-name", this.nodeName, "--hostname", this.nodeName, "--node-ip", this.nodeIp],
      ...["--port", String(this.#port), "--data-dir", this.dataDir],
      // Many nodes live on this machine at once; a test that wants the port says which.
      ...["--healthz-port", "0"],
      ...["--bootstrap-file", this.bootstrapFile],
      ...(insecureRegistries.length === 0
        ? []
        : ["--insecure-registries", insecureRegistries.join(",")]),
      ...(trustedRegistries.length === 0 ? [] : [
        "--registry-ca",
        trustedRegistries.map((host) => `${host}=${authority}`).join(","),
      ]),
      ...args,
    ], {
      name: this.nodeName,
      logPath: join(this.#folder.path, "krustlet.log"),
      env: {
        KUBECONFIG: this.kubeconfig,
        NO_COLOR: "1",
        // Run by root, agents of several clusters would make the same routes on this machine.
        KRUSTLET_POD_NETWORK: "loopback",
        HOME: this.#folder.path,
        ...denoDir(),
        ...env,
      },
    });
  }

  /** Approves the request that the agent names on its standard output. */
  async approve(): Promise<void> {
    const name = await eventually("the agent to ask for approval", async () => {
      await this.process.mustRun();
      return /^BOOTSTRAP: .*kubectl certificate approve (\S+)/m.exec(await this.log())?.[1];
    }, { withinMs: READY_WITHIN_MS });
    await this.cluster.kubectl(["certificate", "approve", name]);
  }

  /** Waits until the node is Ready and free of taints that are not its own. */
  async waitReady(): Promise<Node> {
    return await eventually(`node ${this.nodeName} to be Ready`, async () => {
      await this.process.mustRun();
      const node = await this.node();
      if (node === undefined) throw new Error("it is not registered");
      const ready = conditionOf(node, "Ready");
      if (ready?.status !== "True") throw new Error(JSON.stringify(node.status.conditions));
      const held = node.spec.taints?.some(({ key }) => key.startsWith("node.kubernetes.io/"));
      return held ? undefined : node;
    }, { withinMs: READY_WITHIN_MS });
  }

  async node(): Promise<Node | undefined> {
    return await this.cluster.find<Node>(`/api/v1/nodes/${this.nodeName}`);
  }

  /** Ends the process, with its whole grace (SIGTERM) or with none (SIGKILL). */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<Ending> {
    this.process.signal(signal);
    return signal === "SIGKILL" ? await this.process.stop() : await this.process.ended;
  }

  /** Starts it again on the same files and port, after {@linkcode Krustlet.end}. */
  async restart(): Promise<void> {
    await this.start();
    await eventually("the agent to serve", async () => {
      await this.process.mustRun();
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      return connection.remoteAddr.transport === "tcp";
    }, { withinMs: READY_WITHIN_MS });
  }

  async log(): Promise<string> {
    return await this.process.log();
  }

  async tail(): Promise<string> {
    return await this.process.tail();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined && this.#process.ending === undefined) {
      // Pods that still run are no concern of a test that is over.
      this.#process.signal("SIGTERM");
      const timer = setTimeout(() => this.#process?.signal("SIGKILL"), 5_000);
      await this.#process.ended;
      clearTimeout(timer);
    }
    await this.#process?.stop();
    // What the cluster refuses while it is down does not matter to a test that is over.
    await this.cluster.delete(`/api/v1/nodes/${this.nodeName}`).catch(() => {});
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** The agent has a home of its own, but shares the cache of compiled TypeScript. */
function denoDir(): Record<string, string> {
  const home = Deno.env.get("HOME");
  const given = Deno.env.get("DENO_DIR");
  if (given) return { DENO_DIR: given };
  return home && Deno.build.os === "linux"
    ? { DENO_DIR: join(Deno.env.get("XDG_CACHE_HOME") ?? join(home, ".cache"), "deno") }
    : {};
}

/** Makes a bootstrap token, good for `ttlMs` (negative: expired), and the kubeconfig that uses it. */
export async function writeBootstrapFile(
  cluster: Cluster,
  path: string,
  ttlMs = 3_600_000,
): Promise<{ readonly tokenId: string }> {
  const random = (length: number): string =>
    Array.from(crypto.getRandomValues(new Uint8Array(length)), (n) => (n % 36).toString(36)).join(
      "",
    );
  const [tokenId, tokenSecret] = [random(6), random(16)];
  await cluster.create("/api/v1/namespaces/kube-system/secrets", {
    metadata: { name: `bootstrap-token-${tokenId}` },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": tokenId,
      "token-secret": tokenSecret,
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      expiration: new Date(Date.now() + ttlMs).toISOString().replace(/\.\d+/, ""),
    },
  });
  const ca = await Deno.readFile(join(cluster.dir, "certs/ca.crt"));
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{
        name: "kubernetes",
        cluster: { server: cluster.server, "certificate-authority-data": ca.toBase64() },
      }],
      users: [{ name: "bootstrap", user: { token: `${tokenId}.${tokenSecret}` } }],
      contexts: [{ name: "bootstrap", context: { cluster: "kubernetes", user: "bootstrap" } }],
      "current-context": "bootstrap",
    }),
    { mode: 0o600 },
  );
  return { tokenId };
}
