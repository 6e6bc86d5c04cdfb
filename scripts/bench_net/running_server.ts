import { familyOf } from "./family.ts";
import { type Server, titleOf } from "./servers.ts";

/** Runtimes may compile a module at each start. */
const START_MS_MAX = 120_000;
/** What a server says before it serves is kept to be told, up to so many characters. */
const SAID_CHARACTERS_MAX = 4_096;
const SERVING = /serving ([\d.:]+)/;

/** A server that does not serve here. */
export class ServerError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ServerError";
}

/** A server that runs. */
export class RunningServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #outputs: Promise<void>;
  readonly title: string;
  readonly address: string;

  private constructor(
    child: Deno.ChildProcess,
    { outputs, title, address }: { outputs: Promise<void>; title: string; address: string },
  ) {
    this.#child = child;
    this.#outputs = outputs;
    this.title = title;
    this.address = address;
  }

  /**
   * Starts it at a free port, and waits until it says that it serves.
   *
   * @throws {ServerError} if it ends before, or takes longer than two minutes
   */
  static async start(server: Server): Promise<RunningServer> {
    const [program, ...args] = server.command(`127.0.0.1:${freePort()}`);
    const { env, manifest } = server;
    const child = new Deno.Command(program, {
      args,
      ...(env === undefined ? {} : { env }),
      stdin: manifest === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (manifest !== undefined) await hand(child.stdin, manifest);
    const serving = Promise.withResolvers<string | undefined>();
    let said = "";
    const outputs = Promise.all([child.stdout, child.stderr].map(async (output) => {
      for await (const text of output.pipeThrough(new TextDecoderStream())) {
        said = (said + text).slice(-SAID_CHARACTERS_MAX);
        const address = SERVING.exec(said)?.[1];
        if (address !== undefined) serving.resolve(address);
      }
    })).then(() => serving.resolve(undefined));
    const timer = setTimeout(() => serving.resolve(undefined), START_MS_MAX);
    const address = await serving.promise;
    clearTimeout(timer);
    const title = titleOf(server);
    const running = new RunningServer(child, { outputs, title, address: address ?? "" });
    if (address !== undefined) return running;
    await running[Symbol.asyncDispose]();
    const why = said.trim().split("\n", 1)[0];
    throw new ServerError(`Cannot measure "${title}": it said "${why}"`);
  }

  /** CPU time that it and what it has started have used, in ms; NaN where the system does not tell. */
  async cpuMs(): Promise<number> {
    return (await familyOf(this.#child.pid)).cpuMs;
  }

  /** Memory that is of its processes alone, in KiB; NaN where the system does not tell. */
  async privateKiB(): Promise<number> {
    return (await familyOf(this.#child.pid)).privateKiB;
  }

  /** Ends it, and whatever it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // it has ended
    }
    await this.#child.status;
    await this.#outputs;
  }
}

async function hand(input: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = input.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
