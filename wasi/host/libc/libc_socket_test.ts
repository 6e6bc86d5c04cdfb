import assert from "node:assert/strict";
import { RIFLAG } from "../../abi.ts";
import { HOSTS } from "../../testing/probe.ts";
import { ALLOW_ALL, SocketProbe } from "../../testing/socket_probe.ts";

const host = HOSTS.find(([name]) => name === "libc")?.[1];

/** Connects late, and sends two parts with time between them. The port is its argument. */
const LATE_PEER = `
  const peer = await Deno.connect({ port: Number(Deno.args[0]) });
  await peer.write(new TextEncoder().encode("abc"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await peer.write(new TextEncoder().encode("defgh"));
  await peer.read(new Uint8Array(1));`;

Deno.test({
  name: "LibcSocket waits for what comes late, without the event loop",
  ignore: host === undefined,
  async fn(): Promise<void> {
    using probe = new SocketProbe(host!, ALLOW_ALL);
    const { fd, port } = await probe.mustListen();
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["eval", LATE_PEER, String(port)],
    }).spawn();
    const accepted = await probe.accept(fd); // blocks this thread, as all of these do
    assert.ok(typeof accepted === "number", String(accepted));
    assert.deepEqual(await probe.receive(accepted, 1), { text: "a", truncated: false });
    const rest = await probe.receive(accepted, 7, RIFLAG.waitAll);
    assert.deepEqual(rest, { text: "bcdefgh", truncated: false });
    assert.equal(probe.call("fd_close", accepted), "success");
    assert.equal((await child.status).code, 0);
  },
});

Deno.test({
  name: "LibcSocket does not send on for ever into a full buffer, if it must not wait",
  ignore: host === undefined,
  async fn(): Promise<void> {
    using probe = new SocketProbe(host!, ALLOW_ALL);
    const { fd, port } = await probe.mustListen();
    using _peer = await Deno.connect({ port });
    const accepted = await probe.accept(fd, 4);
    assert.ok(typeof accepted === "number", String(accepted));
    const text = "x".repeat(100_000);
    let [sent, answer] = [0, await probe.send(accepted, text)];
    for (; typeof answer === "number"; answer = await probe.send(accepted, text)) sent += answer;
    assert.equal(answer, "again");
    assert.ok(sent > 0);
  },
});

/** In a network of its own, where nothing but a route says that these addresses are the machine's. */
const ROUTED = `
  import { HOSTS } from "./wasi/testing/probe.ts";
  import { ALLOW_ALL, SocketProbe } from "./wasi/testing/socket_probe.ts";
  const host = HOSTS.find(([name]) => name === "libc")[1];
  using probe = new SocketProbe(host, ALLOW_ALL);
  const [server, client] = [await probe.mustListen("fd99::7"), await probe.mustSocket("ipv6", "tcp")];
  const bound = await probe.bind(client, { hostname: "fd99::8", port: 0 });
  const connected = await probe.connect(client, { hostname: "fd99::7", port: server.port });
  const peer = await probe.peer(await probe.accept(server.fd));
  console.log(bound, connected, peer.hostname);
`;

function inNetworkOfItsOwn(command: readonly string[]): Deno.CommandOutput | undefined {
  const shell = 'ip link set lo up && ip -6 route add local fd99::/64 dev lo && exec "$@"';
  const cwd = new URL("../../..", import.meta.url);
  try {
    const args = ["-rn", "sh", "-c", shell, "sh", ...command];
    return new Deno.Command("unshare", { args, cwd }).outputSync();
  } catch {
    return undefined;
  }
}

const namespaces = host !== undefined && inNetworkOfItsOwn(["true"])?.success === true;

Deno.test({
  name: `LibcSocket binds IPv6 addresses that only a route leads here${
    namespaces ? "" : " (ignored: no network namespace can be made)"
  }`,
  ignore: !namespaces,
  fn(): void {
    const deno = [Deno.execPath(), "eval", "--quiet", "--config=deno.json", ROUTED];
    const output = inNetworkOfItsOwn(deno);
    const [text, errors] = [output!.stdout, output!.stderr].map((bytes) =>
      new TextDecoder().decode(bytes)
    );
    assert.equal(text, "success success fd99::8\n", errors ?? "");
  },
});
