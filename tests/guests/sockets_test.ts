/** A Go program with `net/http` over the sockets of its host, as a process of `wasi/cli.ts`. */
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { clusterTest } from "../harness/testbed.ts";
import { guest } from "./build.ts";

const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));
const HOSTS = Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"];
const LOCAL = "127.0.0.1";
const REQUESTS = 1_000;

/** A guest that runs; everything that it says is read along. */
class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #said = "";

  constructor(path: string, { flags, args }: { flags: readonly string[]; args: string[] }) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CLI, ...flags, path, ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until it has said something. */
  async says(text: string): Promise<void> {
    while (!this.#said.includes(text)) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`Cannot find "${text}": the guest ended, and said ${this.#said}`);
      this.#said += value;
    }
  }

  /** Everything that it said until its end, and its exit code. */
  async end(): Promise<{ code: number; said: string }> {
    while (true) {
      const { done, value } = await this.#output.read();
      if (done) break;
      this.#said += value;
    }
    const { code } = await this.#child.status;
    return { code, said: this.#said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.#child.status;
    await this.#output.cancel();
  }
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  return listener.addr.port;
}

for (const host of HOSTS) {
  clusterTest(`guests serve and ask each other over net/http (${host})`, async () => {
    const path = await guest("go_sockets");
    const port = freePort();
    const flags = ["--host", host, `--allow-net=${LOCAL}:${port}`];
    const args = ["serve", `${LOCAL}:${port}`];
    await using server = new Running(path, { flags, args });
    await server.says("serving");
    const url = `http://${LOCAL}:${port}`;
    const clients = ["one", "two"].map((name) =>
      new Running(path, { flags, args: ["get", String(REQUESTS / 2), `${url}/${name}`] })
    );
    const bytes = "/one of Go-http-client/1.1\n".length * REQUESTS / 2;
    for (const client of clients) {
      await using running = client;
      assert.deepEqual(await running.end(), {
        code: 0,
        said: `got ${REQUESTS / 2} with ${bytes} bytes\n`,
      });
    }
    await (await fetch(`${url}/stop`)).body?.cancel();
    assert.deepEqual(await server.end(), { code: 0, said: `serving\nserved ${REQUESTS}\n` });
  });

  clusterTest(`a guest serves on a listener that it is handed (${host})`, async () => {
    const port = freePort();
    await using server = new Running(await guest("go_sockets"), {
      flags: ["--host", host, "--tcplisten", `${LOCAL}:${port}`, "--dir", "."],
      args: ["serve-listener"],
    });
    await server.says("serving");
    const response = await fetch(`http://${LOCAL}:${port}/hello`);
    assert.match(await response.text(), /^\/hello of Deno/);
  });

  clusterTest(`a guest asks over UDP (${host})`, async () => {
    const peer = createSocket("udp4");
    peer.bind(0, LOCAL);
    await once(peer, "listening");
    peer.once("message", (bytes: Uint8Array, from: RemoteInfo) => {
      peer.send(`${new TextDecoder().decode(bytes)}!`, from.port, from.address);
    });
    const there = `${LOCAL}:${peer.address().port}`;
    await using client = new Running(await guest("go_sockets"), {
      flags: ["--host", host, "--allow-net"],
      args: ["udp", there, "well"],
    });
    assert.deepEqual(await client.end(), { code: 0, said: `well! from ${there}\n` });
    peer.close();
  });
}

clusterTest("a guest reaches nothing that was not allowed", async () => {
  const path = await guest("go_sockets");
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  const there = `${LOCAL}:${listener.addr.port}`;
  for (const flags of [[], ["--allow-net=127.0.0.2"], [`--allow-net=${LOCAL}:1`]]) {
    await using client = new Running(path, { flags, args: ["get", "1", `http://${there}/`] });
    assert.deepEqual(await client.end(), { code: 1, said: "" });
    await using server = new Running(path, { flags, args: ["serve", `${LOCAL}:0`] });
    assert.deepEqual(await server.end(), { code: 1, said: "" });
  }
});
