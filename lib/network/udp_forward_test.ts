import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { eventually } from "../api/_test_server.ts";
import { forwardUdp } from "./udp_forward.ts";

/** An address that no other test has: a port that was free just now still is. */
const LOCAL = Deno.build.os === "linux"
  ? `127.202.${Deno.pid >> 8 & 0xff}.${Deno.pid & 0xff}`
  : "127.0.0.1";

async function socketAt(port = 0): Promise<Socket & AsyncDisposable> {
  const socket = createSocket("udp4");
  socket.bind(port, LOCAL);
  await once(socket, "listening");
  const dispose = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()));
  return Object.assign(socket, { [Symbol.asyncDispose]: dispose });
}

async function freePort(): Promise<number> {
  await using socket = await socketAt();
  return socket.address().port;
}

/** Sends until something comes: packets of a busy machine may be lost. */
async function exchange(from: Socket, to: number, text: string): Promise<string> {
  const heard = once(from, "message");
  from.send(text, to, LOCAL);
  const timer = setInterval(() => from.send(text, to, LOCAL), 100);
  try {
    return String((await heard)[0]);
  } finally {
    clearInterval(timer);
  }
}

Deno.test("forwardUdp() brings each peer its own answers", async () => {
  await using pod = await socketAt();
  const peers = new Set<number>();
  pod.on("message", (packet, { port, address }) => {
    peers.add(port);
    pod.send(`to ${packet}`, port, address);
  });
  const from = { ip: LOCAL, port: await freePort() };
  const to = [{ ip: LOCAL, port: pod.address().port }];
  await using _forward = await forwardUdp({ from, to, admits: () => true });
  await using one = await socketAt();
  await using other = await socketAt();
  assert.equal(await exchange(one, from.port, "one"), "to one");
  assert.equal(await exchange(other, from.port, "other"), "to other");
  assert.equal(await exchange(one, from.port, "one again"), "to one again");
  assert.equal(peers.size, 2, "one for each peer, however often it speaks");
});

Deno.test("forwardUdp() forgets a peer that is silent, and lets in whom it is told to", async () => {
  await using pod = await socketAt();
  const peers = new Set<number>();
  pod.on("message", (packet, { port, address }) => {
    peers.add(port);
    pod.send(packet, port, address);
  });
  const from = { ip: LOCAL, port: await freePort() };
  const to = [{ ip: LOCAL, port: pod.address().port }];
  await using one = await socketAt();
  const shut = await socketAt();
  const refused = shut.address().port;
  const asked: number[] = [];
  const admits = ({ port }: { readonly port: number }): boolean => {
    asked.push(port);
    return port !== refused;
  };
  await using _forward = await forwardUdp({ from, to, admits }, { silenceMs: 20 });
  shut.send("lost", from.port, LOCAL);
  while (peers.size < 2) {
    await exchange(one, from.port, "one");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  while (!asked.includes(refused)) await exchange(one, from.port, "one");
  assert.ok(!peers.has(refused));
  await shut[Symbol.asyncDispose]();
});

Deno.test("forwardUdp() rejects for a port that somebody has", async () => {
  await using taken = await socketAt();
  const from = { ip: LOCAL, port: taken.address().port };
  await assert.rejects(forwardUdp({ from, to: [from], admits: () => true }), /EADDRINUSE/);
});

Deno.test("forwardUdp() lets nobody else speak for the pod", async () => {
  await using pod = await socketAt();
  const from = { ip: LOCAL, port: await freePort() };
  const to = [{ ip: LOCAL, port: pod.address().port }];
  await using _forward = await forwardUdp({ from, to, admits: () => true });
  await using client = await socketAt();
  const heard: string[] = [];
  client.on("message", (packet) => heard.push(String(packet)));
  const asked = once(pod, "message");
  const asking = setInterval(() => client.send("ask", from.port, LOCAL), 100);
  const [, { address, port }] = await asked;
  clearInterval(asking);
  await using stranger = await socketAt();
  const said = new Promise((resolve) => stranger.send("evil", port, address, resolve));
  await said;
  const answering = setInterval(() => pod.send("answer", port, address), 20);
  await eventually("the answer is heard", () => heard.includes("answer"));
  clearInterval(answering);
  assert.ok(!heard.includes("evil"), heard.join());
});
