/**
 * A machine's network of their own for the tests of one file, and another machine beside it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { type Process, startProcess } from "./processes.ts";
import { disown, own } from "./reaper.ts";
import { tempFolder } from "./temp_folder.ts";

/** Says to a test file that it runs in its namespace. */
const INSIDE = "KRUSTLET_TEST_NAMESPACE";
/** Ways to a network namespace in which one may do everything: as root, and as anybody. */
const WAYS = [["-n"], ["-rn"]] as const;

/** The machine of the tests, and the one beside it, on the link between them (RFC 5737, RFC 4193). */
export const LINK = {
  machine: { ipv4: "198.51.100.1", ipv6: "fd00:51::1" },
  neighbour: { ipv4: "198.51.100.2", ipv6: "fd00:51::2" },
} as const;

/** Where a test file is: in its namespace, before it, or on a machine that lets nobody make one. */
export type Whereabouts = "inside" | "outside" | "refused";

/**
 * Tells a test file where it is. If it is outside, one test is registered that runs the file anew in a namespace,
 * as a program of its own; the tests that need the namespace are to be registered inside only.
 */
export function useNetNamespace(file: string): Whereabouts {
  if (Deno.env.get(INSIDE)) return "inside";
  const way = Deno.build.os === "linux" ? WAYS.find(works) : undefined;
  if (way === undefined) return "refused";
  Deno.test({
    name: `all tests in a network namespace of their own (unshare ${way.join(" ")})`,
    fn: () => runInside(way, fileURLToPath(file)),
    // The process that ends what we leave behind outlives this test.
    sanitizeOps: false,
    sanitizeResources: false,
  });
  return "outside";
}

function works(way: readonly string[]): boolean {
  try {
    const script = "ip link set lo up && ip link add krustlet0 type veth peer name krustlet1";
    const args = [...way, "sh", "-c", script];
    return new Deno.Command("unshare", { args, stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

async function runInside(way: readonly string[], path: string): Promise<void> {
  const child = new Deno.Command("unshare", {
    args: [...way, Deno.execPath(), "test", "-A", "--no-check", path],
    // A control plane that is shared is on the other side.
    env: { [INSIDE]: "1", KRUSTLET_TEST_PLANE: "" },
    stdin: "null",
  }).spawn();
  await own(child.pid);
  const { success } = await child.status;
  await disown(child.pid);
  if (!success) throw new Error("Tests in the network namespace have failed: see above");
}

/** A machine beside ours: it has a link to us, and sends us what goes to pods. */
export class Neighbour implements AsyncDisposable {
  readonly #holder: Process;
  readonly #folder: AsyncDisposable & { readonly path: string };

  /** Makes it, and our default route to it. `podRanges` are those of all pods of the cluster. */
  static async open(podRanges: readonly string[]): Promise<Neighbour> {
    const folder = await tempFolder();
    const script = "echo there; while :; do sleep 60; done";
    const holder = await startProcess(["unshare", "-n", "sh", "-c", script], {
      name: "neighbour",
      logPath: `${folder.path}/neighbour.log`,
    });
    const neighbour = new Neighbour(holder, folder);
    try {
      await neighbour.#connect(podRanges);
      return neighbour;
    } catch (error) {
      await neighbour[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(holder: Process, folder: AsyncDisposable & { readonly path: string }) {
    this.#holder = holder;
    this.#folder = folder;
  }

  /** Runs a program there, and answers what it prints. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    return await run("nsenter", "-t", String(this.#holder.pid), "-n", program, ...args);
  }

  /** GETs from there; throws if nobody answers. */
  async get(url: string): Promise<string> {
    const script = `const answer = await fetch(${JSON.stringify(url)}, {
      headers: { connection: "close" }, signal: AbortSignal.timeout(10_000),
    });
    await Deno.stdout.write(await answer.bytes());`;
    return await this.run(Deno.execPath(), "eval", script);
  }

  /** Serves HTTP there, on all its addresses: tells each who asks where it comes from. */
  async serve(port: number): Promise<AsyncDisposable> {
    const script = `Deno.serve(
      { port: ${port}, onListen: () => console.log("serving") },
      (_request, { remoteAddr }) => new Response(\`from \${remoteAddr.hostname}\\n\`),
    );`;
    const there = ["-t", String(this.#holder.pid), "-n"];
    const server = await startProcess(["nsenter", ...there, Deno.execPath(), "eval", script], {
      name: "server of the neighbour",
      logPath: `${this.#folder.path}/server.log`,
    });
    await eventually("the neighbour to serve", async () => {
      await server.mustRun();
      return (await server.log()).includes("serving");
    });
    return { [Symbol.asyncDispose]: async () => void await server.stop() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stop();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #connect(podRanges: readonly string[]): Promise<void> {
    const { machine, neighbour } = LINK;
    await eventually("the neighbour to be there", async () => {
      await this.#holder.mustRun();
      return (await this.#holder.log()).includes("there");
    });
    const ip = (words: string): Promise<string> => run("ip", ...words.split(" "));
    const theirIp = (words: string): Promise<string> => this.run("ip", ...words.split(" "));
    await ip("link set lo up");
    await ip(`link add krustlet0 type veth peer name krustlet1 netns ${this.#holder.pid}`);
    for (
      const [say, link, own] of [
        [ip, "krustlet0", machine],
        [theirIp, "krustlet1", neighbour],
      ] as const
    ) {
      await say(`addr add ${own.ipv4}/24 dev ${link}`);
      await say(`-6 addr add ${own.ipv6}/64 dev ${link} nodad`);
      await say(`link set ${link} up`);
    }
    // An API server without a default route does not know what it is.
    await ip(`route add default via ${neighbour.ipv4}`);
    for (const range of podRanges) {
      await theirIp(`route add ${range} via ${range.includes(":") ? machine.ipv6 : machine.ipv4}`);
    }
  }
}

/** Runs a program of this machine, and answers what it prints; throws what it says if it fails. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const [text = "", errors = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${errors.trim()}`);
  return text;
}
