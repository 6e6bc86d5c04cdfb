/** Programs as others write them serve and ask over the network: Go's own `net`, hyper, preview 1 alone. */
import assert from "node:assert/strict";
import { clusterTest } from "../harness/testbed.ts";
import { buildGuests, guest } from "./build.ts";
import { freePort, LOCAL, Running } from "./running.ts";

const HOSTS = Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"];
/** More than a packet carries, and less than a socket's buffer. */
const TEXT = "to and fro ".repeat(300).trim();
/** For a guest to start on a busy machine. */
const ANSWER_MS_MAX = 60_000;

for (const host of HOSTS) {
  clusterTest(`Go's net/http serves and asks (${host})`, async () => {
    const web = await guest("gonet_web");
    const address = `${LOCAL}:${freePort()}`;
    const flags = ["--host", host, "--allow-net"];
    await using server = new Running(web, { flags, args: ["serve", address] });
    await server.says(`serving ${address}`);
    await using client = new Running(web, {
      flags,
      args: ["get", "20", `http://${address}/some/path`],
    });
    const { code, said } = await client.end();
    assert.equal(code, 0);
    assert.match(said, /^\/some\/path for 127\.0\.0\.1:\d+\n$/);
  });

  for (const protocol of ["tcp", "udp"]) {
    clusterTest(`Go gives back what Go says by ${protocol} (${host})`, async () => {
      const web = await guest("gonet_web");
      const flags = ["--host", host, "--allow-net"];
      await using server = new Running(web, { flags, args: ["echo", protocol, `${LOCAL}:0`] });
      const [, address = ""] = await server.matches(/serving (.+)\n/);
      assert.doesNotMatch(address, /:0$/, "it is told the port that it was given");
      await using client = new Running(web, { flags, args: ["say", protocol, address, TEXT] });
      assert.deepEqual(await client.end(), { code: 0, said: `${TEXT} from ${address}\n` });
    });
  }

  clusterTest(`Go is told why it cannot connect or listen (${host})`, async () => {
    const web = await guest("gonet_web");
    const free = `${LOCAL}:${freePort()}`;
    const flags = ["--host", host, "--allow-net"];
    await using nobody = new Running(web, {
      flags,
      args: ["say", "tcp", free, TEXT],
      stderr: "piped",
    });
    assert.match((await nobody.end()).said, /dial tcp [\d.:]+: connect: Connection refused/);
    using taken = Deno.listen({ hostname: LOCAL, port: 0 });
    await using second = new Running(web, {
      flags,
      args: ["serve", `${LOCAL}:${taken.addr.port}`],
      stderr: "piped",
    });
    assert.match(
      (await second.end()).said,
      /listen tcp [\d.:]+: sock_bind: Address already in use/,
    );
  });

  clusterTest(`preview 1 alone answers on a listener that it is handed (${host})`, async () => {
    const address = `${LOCAL}:${freePort()}`;
    await using _server = new Running(await guest("accept_only"), {
      flags: ["--host", host, "--tcplisten", address],
      args: [],
    });
    assert.equal(await answerOf(address), "hello\n");
    assert.equal(await answerOf(address), "hello\n");
  });

  clusterTest(
    `Rust's hyper serves on its own listener and on one that it is handed (${host})`,
    async () => {
      const hello = (await buildGuests()).get("cargo_hello");
      if (hello === undefined) return; // build.ts says so
      for (
        const [flag, word] of [["--allow-net", undefined], ["--tcplisten", "listener"]] as const
      ) {
        const address = `${LOCAL}:${freePort()}`;
        const flags = ["--host", host, word === undefined ? flag : `${flag}=${address}`];
        await using server = new Running(hello, { flags, args: [word ?? address] });
        await server.says("serving");
        assert.equal(await answerOf(address), "hello\n");
      }
    },
  );

  clusterTest(`Rust gives back what it is sent by TCP and UDP (${host})`, async () => {
    const path = (await buildGuests()).get("cargo_echo");
    if (path === undefined) return; // build.ts says so
    for (const protocol of ["tcp", "udp"]) {
      const address = `${LOCAL}:${freePort()}`;
      const flags = ["--host", host, "--allow-net"];
      await using server = new Running(path, { flags, args: [protocol, address] });
      await server.says("serving");
      await using client = new Running(await guest("gonet_web"), {
        flags,
        args: ["say", protocol, address, TEXT],
      });
      assert.deepEqual(await client.end(), { code: 0, said: `${TEXT} from ${address}\n` });
    }
  });
}

/** Asks until somebody listens there. */
async function answerOf(address: string): Promise<string> {
  const endMs = performance.now() + ANSWER_MS_MAX;
  while (true) {
    try {
      return await (await fetch(`http://${address}/`)).text();
    } catch (error) {
      if (!(error instanceof TypeError) || performance.now() > endMs) throw error;
    }
  }
}
