/** A Go program with `net/http` over the sockets of its host, as a process of `wasi/cli.ts`. */
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { clusterTest } from "../harness/testbed.ts";
import { guest } from "./build.ts";
import { freePort, LOCAL, Running } from "./running.ts";

const HOSTS = Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"];
const REQUESTS = 1_000;

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
