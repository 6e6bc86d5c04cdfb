/**
 * krustlet: a Kubernetes node agent that runs WebAssembly modules as pods.
 *
 * This file is the only place that knows everybody: it reads what the user asks for, and hands each
 * part the others that it needs. Parts are loaded when a command needs them, so that a guest's
 * process and `--version` do not pay for a kubelet.
 *
 * @module
 */
import type { BootstrapToken } from "./certs/mod.ts";
import type { ApiClient, ClusterAccess, CommandWorld, KrustletConfig } from "./lib/mod.ts";
import manifest from "./deno.json" with { type: "json" };

const VERSION = manifest.version;
/**
 * Exit codes: all is well; something went wrong; the command line or a file is wrong; and as shells
 * number them, the end by SIGINT, and that by SIGPIPE.
 */
const EXIT = { ok: 0, failed: 1, usage: 2, stopped: 130, unread: 141 } as const;

/** The words that can stand behind `krustlet`, and what they do. */
const COMMANDS = {
  start: { about: "Be a node of a cluster (also without any word).", run: start },
  run: { about: "Run Pod manifests or a .wasm file with no cluster.", run },
  bootstrap: {
    about: "Make the token and the kubeconfig with which a node joins.",
    run: bootstrap,
  },
  doctor: { about: "Look for what stands in this node's way, and say what to do.", run: doctor },
  smite: { about: "Clear what a node that has vanished has left in the cluster.", run: smite },
  push: { about: "Publish a .wasm file, or a folder with one, as an image.", run: push },
  pull: { about: "Bring an image into the image store, or into a file.", run: pull },
  inspect: { about: "Say what an image is, and whether it would run here.", run: inspect },
} as const;

/** Be a node: identity first, then everything else, until a signal says to stop. */
async function start(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const config = await lib.parseConfig({ args });
  await beginLog(config);
  lib.surviveRejections();
  await using stop = stopSignal();
  try {
    await lib.lockDataDir(config.dataDir);
    await warnOfMachine(config.dataDir);
    const identity = await import("./node_identity.ts");
    const agent = `krustlet/${VERSION}`;
    const access = await identity.nodeAccess(config, { userAgent: agent, signal: stop.signal });
    using client = new lib.ApiClient(access, { userAgent: agent });
    const serving = await identity.servingPair(config, { client, signal: stop.signal });
    const { WasiProvider } = await import("./providers/wasi/mod.ts");
    const folders = lib.dataFolders(config.dataDir);
    const provider = new WasiProvider({
      version: VERSION,
      imagesDir: folders.images,
      logsDir: folders.logs,
      // Mounts come by their real paths, and are compared with this one.
      podsDir: lib.dataFolders(await Deno.realPath(config.dataDir)).pods,
      deskDir: `${config.dataDir}/desk`,
      ...await hostOf(),
      ...sandboxOf(config),
      logLimits: config.containerLogs,
      warn: lib.warn,
    });
    const kubelet = new lib.Kubelet({
      settings: config,
      version: VERSION,
      client,
      provider,
      serving: { certPem: serving.certificatePem, keyPem: serving.keyPem },
      renewal: await identity.renewalOf(config, { client, access, serving, userAgent: agent }),
      ...await clientCa(config, { access, client }),
      isRestart: () => stop.by === "SIGINT",
    });
    await kubelet.run(stop.signal);
    return EXIT.ok;
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return EXIT.ok;
    throw error;
  }
}

/** What this system does not do by itself for a node's data folder. */
async function warnOfMachine(dataDir: string): Promise<void> {
  const lib = await import("./lib/mod.ts");
  const certs = await import("./certs/mod.ts");
  const warning = await certs.privacyWarning(dataDir);
  if (warning !== undefined) lib.warn(warning);
}

type LogSettings = Pick<KrustletConfig, "logLevel" | "logFormat">;

/** From now on there is a log, on stderr. */
async function beginLog({ logLevel: level, logFormat: format }: LogSettings): Promise<void> {
  const lib = await import("./lib/mod.ts");
  const colour = Deno.stderr.isTerminal() && !Deno.noColor;
  await lib.configureLogging({ level, format, colour });
}

/** Asked for by who wants to see on Linux what macOS and Windows have. */
async function hostOf(): Promise<{ host?: "portable" }> {
  const wanted = Deno.env.get("KRUSTLET_HOST") ?? "";
  if (wanted === "") return {};
  if (wanted === "portable") return { host: wanted };
  const { KubeletError } = await import("./lib/mod.ts");
  throw new KubeletError(
    "invalid",
    `Cannot use host "${wanted}": KRUSTLET_HOST is portable, or not set for the best that there is`,
  );
}

/** What the user demands of the sandbox, as the provider takes it. */
function sandboxOf<T>({ requireSandbox }: { requireSandbox?: T | undefined }): {
  requireSandbox?: T;
} {
  return requireSandbox === undefined ? {} : { requireSandbox };
}

/** Whose client certificates the node's own API believes, and how that is read again. */
async function clientCa(
  config: KrustletConfig,
  { access, client }: { access: ClusterAccess; client: ApiClient },
): Promise<{ clientCaPem: string; readClientCa(): Promise<string | undefined> }> {
  const lib = await import("./lib/mod.ts");
  const { clientCaFile } = config;
  const file = clientCaFile === undefined
    ? undefined
    : () => lib.readText(clientCaFile, "--client-ca-file");
  const readClientCa = (): Promise<string | undefined> =>
    lib.readClientCa(client, { file, cluster: access.caPem });
  // A node starts without its API server; what that says is asked for at once.
  const clientCaPem = await file?.() ?? access.caPem ?? await readClientCa();
  if (clientCaPem !== undefined) return { clientCaPem, readClientCa };
  throw new lib.KubeletError(
    "invalid",
    `Cannot tell whose client certificates to believe: kubeconfig "${config.kubeconfig}" has no \
certificate authority; give --client-ca-file`,
  );
}

/** Run manifests or a module with no cluster. */
async function run(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const { files, moduleArgs, settings } = lib.parseRunArguments({ args });
  await beginLog(settings);
  const manifests = await lib.readManifests(files, moduleArgs);
  const { WasiProvider } = await import("./providers/wasi/mod.ts");
  const workDir = await Deno.realPath(await Deno.makeTempDir({ prefix: "krustlet-run-" }));
  const folders = {
    imagesDir: `${settings.dataDir}/images`,
    logsDir: `${workDir}/logs`,
    podsDir: `${workDir}/pods`,
  };
  await using stop = stopSignal(() => {
    try {
      // Volumes in memory lie elsewhere, and nobody would find them later.
      lib.removeMemoryFolders(folders.podsDir);
    } finally {
      Deno.removeSync(workDir, { recursive: true });
    }
  });
  await using parts = new AsyncDisposableStack();
  parts.defer(() => removeWorkDir(workDir));
  for (const folder of Object.values(folders)) await Deno.mkdir(folder, { recursive: true });
  const containers = manifests.pods.flatMap(({ spec }) => spec?.containers ?? []);
  const provider = new WasiProvider({
    version: VERSION,
    ...folders,
    deskDir: `${workDir}/desk`,
    poolSize: Math.min(containers.length, 2),
    ...await hostOf(),
    ...sandboxOf(settings),
    warn: lib.warn,
  });
  parts.defer(() => provider.close());
  lib.inform(`Guests are held by: ${provider.sandbox}`);
  lib.inform(`CPU limits are kept by: ${provider.cpuLimits ?? "nothing"}`);
  const unread = new AbortController();
  const code = await lib.runStandalone({
    manifest: manifests,
    provider,
    workDir,
    imagesDir: folders.imagesDir,
    registries: settings,
    images: settings.images,
    screen: terminalScreen(unread),
    stop: AbortSignal.any([stop.signal, unread.signal]),
    graceMs: settings.gracePeriodMs,
  });
  if (stop.signal.aborted) return EXIT.stopped;
  return unread.signal.aborted ? EXIT.unread : code;
}

/** What stays behind is worth a word, and not the exit code that the guests have earned. */
async function removeWorkDir(path: string): Promise<void> {
  const lib = await import("./lib/mod.ts");
  try {
    await lib.removeTree(path);
  } catch (error) {
    lib.warn(`Cannot remove folder "${path}", remove it by hand: ${lib.messageOf(error)}`);
  }
}

/** The program's own streams. Aborts `unread` when one of them has no reader any more. */
function terminalScreen(unread: AbortController): import("./lib/mod.ts").Screen {
  const terminal = Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
  return {
    terminal,
    colour: terminal && !Deno.noColor,
    columns: () => (terminal ? Deno.consoleSize().columns : 0) || 80,
    write: (stream, bytes) => {
      const target = stream === "stdout" ? Deno.stdout : Deno.stderr;
      try {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(target.writeSync(rest));
      } catch (error) {
        // As `head` does when it has seen enough.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        unread.abort(error);
      }
    },
  };
}

/** Make the bootstrap token and the bootstrap kubeconfig. */
async function bootstrap(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const certs = await import("./certs/mod.ts");
  const { kubeconfigCluster } = await import("./node_identity.ts");
  const settings = lib.parseBootstrapArguments({ args });
  const access = await lib.loadKubeconfig(
    settings.kubeconfig === undefined ? {} : { path: settings.kubeconfig },
  );
  const writeBootstrapFile = async (token: BootstrapToken): Promise<void> =>
    await certs.writeKubeconfig(
      settings.bootstrapFile,
      certs.bootstrapKubeconfig(kubeconfigCluster(access), token),
    );
  const end = `The token is good for ${settings.tokenTtlMs / 60_000} minutes. Copy the file to the \
node and run: krustlet --bootstrap-file FILE`;
  if (settings.printObjects) {
    const { token, objects } = certs.newBootstrapObjects({ ttlMs: settings.tokenTtlMs });
    await writeBootstrapFile(token);
    console.log((await lib.objectsText(objects)).trimEnd());
    console.error(`"${settings.bootstrapFile}" was written, and nothing made in the cluster. Make \
what is printed (kubectl apply -f -). ${end}`);
    return EXIT.ok;
  }
  using client = new lib.ApiClient(access, { userAgent: `krustlet/${VERSION}` });
  const objects = lib.anyObjects(client);
  const { token } = await certs.createBootstrapToken(objects, { ttlMs: settings.tokenTtlMs });
  for (const { message } of await certs.ensureBootstrapRbac(objects)) console.error(message);
  for (const { message } of await certs.ensureNetworkRbac(objects)) console.error(message);
  await writeBootstrapFile(token);
  console.log(settings.bootstrapFile);
  console.error(end);
  return EXIT.ok;
}

/** Look for what stands in the way. */
async function doctor(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const { config, json } = await lib.parseDoctorArguments({ args });
  await beginLog(config);
  const identity = await import("./node_identity.ts");
  await using stop = stopSignal();
  const healthy = await lib.runDoctor({
    settings: config,
    ...await identity.examineIdentity(config),
    userAgent: `krustlet/${VERSION}`,
    signal: stop.signal,
    json,
    colour: Deno.stdout.isTerminal() && !Deno.noColor,
    print: (text) => console.log(text.trimEnd()),
  });
  return healthy ? EXIT.ok : EXIT.failed;
}

/** Clear what a vanished node has left. */
async function smite(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const { kubeconfig, ...request } = lib.parseSmiteArguments({ args });
  await beginLog(request);
  await using stop = stopSignal();
  const access = await lib.loadKubeconfig(kubeconfig === undefined ? {} : { path: kubeconfig });
  using client = new lib.ApiClient(access, { userAgent: `krustlet/${VERSION}` });
  const print = (line: string): void => console.log(line);
  const allGone = await lib.runSmite(client, { ...request, signal: stop.signal, print });
  return allGone ? EXIT.ok : EXIT.failed;
}

/** Publish a module. */
async function push(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const request = lib.parsePushArguments({ args });
  return await withTool(request, (world) => lib.runPush(request, world));
}

/** Bring an image here. */
async function pull(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const request = lib.parsePullArguments({ args });
  return await withTool(request, (world) => lib.runPull(request, world));
}

/** Look at an image. */
async function inspect(args: readonly string[]): Promise<number> {
  const lib = await import("./lib/mod.ts");
  const request = lib.parseInspectArguments({ args });
  return await withTool(request, (world) => lib.runInspect(request, world));
}

/** Does what one of the commands for images does, until it has ended or a signal says to stop. */
async function withTool(
  { settings }: {
    readonly settings: LogSettings;
  },
  command: (world: CommandWorld) => Promise<void>,
): Promise<number> {
  await beginLog(settings);
  await using stop = stopSignal();
  const unread = new AbortController();
  const signal = AbortSignal.any([stop.signal, unread.signal]);
  const screen = { ...terminalScreen(unread), terminal: Deno.stderr.isTerminal() };
  try {
    const { MODULE_TERMS } = await import("./providers/wasi/mod.ts");
    await command({ screen, signal, terms: MODULE_TERMS });
    return EXIT.ok;
  } catch (error) {
    if (stop.signal.aborted && error === signal.reason) return EXIT.stopped;
    if (unread.signal.aborted && error === signal.reason) return EXIT.unread;
    throw error;
  }
}

/**
 * Aborted at SIGINT, SIGTERM or (Windows) Ctrl-Break. The second signal ends the program at once,
 * after a last deed that may fail.
 */
function stopSignal(
  lastDeed: () => void = () => {},
): AsyncDisposable & { readonly signal: AbortSignal; readonly by: Deno.Signal | undefined } {
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  const controller = new AbortController();
  let by: Deno.Signal | undefined;
  const listen = (name: Deno.Signal): void => {
    if (controller.signal.aborted) {
      try {
        lastDeed();
      } finally {
        Deno.exit(EXIT.failed);
      }
    }
    by = name;
    controller.abort(new DOMException("The agent was told to stop", "AbortError"));
  };
  const listeners = names.map((name) => [name, (): void => listen(name)] as const);
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    get by(): Deno.Signal | undefined {
      return by;
    },
    [Symbol.asyncDispose]: () => {
      for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
      return Promise.resolve();
    },
  };
}

async function main(args: readonly string[]): Promise<number> {
  const [word = ""] = args;
  const lib = await import("./lib/mod.ts");
  if (word === "help" || lib.asksFor(args) === "help") {
    const about = word === "help" ? args[1] ?? "" : word;
    console.log(lib.commandHelp(about, COMMANDS).trimEnd());
    return EXIT.ok;
  }
  if (word === "version" || lib.asksFor(args) === "version") {
    console.log(`krustlet ${VERSION}`);
    return EXIT.ok;
  }
  if (word === "" || word.startsWith("-")) return await start(args);
  if (!Object.hasOwn(COMMANDS, word)) {
    throw new lib.KubeletError(
      "invalid",
      `Cannot run command "${word}": there is none; commands are ${
        Object.keys(COMMANDS).join(", ")
      }`,
    );
  }
  return await COMMANDS[word as keyof typeof COMMANDS].run(args.slice(1));
}

/** One sentence for people; the whole story of what is no fault of theirs. */
async function explain(error: unknown): Promise<number> {
  const { isKubeletError, messageOf, KubeletError } = await import("./lib/mod.ts");
  const known = error instanceof KubeletError ||
    error instanceof Error &&
      ["CertificateError", "ApiError", "ApiConnectionError"].includes(error.name);
  console.error(
    `krustlet: ${known ? messageOf(error) : error instanceof Error ? error.stack : error}`,
  );
  return isKubeletError(error, "invalid") ? EXIT.usage : EXIT.failed;
}

if (import.meta.main) {
  if (Deno.args[0] === "__guest") await import("./providers/wasi/guest_main.ts");
  else Deno.exit(await main(Deno.args).catch(explain));
}
