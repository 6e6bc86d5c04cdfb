import assert from "node:assert/strict";
import { EVENT, FDFLAG, FILETYPE, RIFLAG, SDFLAG } from "../abi.ts";
import { errnoName } from "../errno.ts";
import { FREE } from "../testing/probe.ts";
import {
  ALLOW_ALL,
  readText,
  type SocketProbe,
  testSocketHosts,
  writeText,
} from "../testing/socket_probe.ts";

/** A connection that the guest has accepted, and its other end. */
async function connected(probe: SocketProbe): Promise<{ fd: number; peer: Deno.TcpConn }> {
  const listener = await probe.mustListen();
  const peer = await Deno.connect({ port: listener.port });
  const fd = await probe.accept(listener.fd);
  assert.ok(typeof fd === "number", String(fd));
  return { fd, peer };
}

/** Waits until a socket is ready; `[errno, bytes, flags]` of its event. */
async function poll(
  probe: SocketProbe,
  fd: number,
  type: number,
): Promise<[string, number, number] | undefined> {
  const [subscription, events, used] = [FREE, FREE + 256, FREE + 512];
  probe.bytes.fill(0, subscription, events);
  for (const [at, kind] of [[subscription, type], [subscription + 48, EVENT.clock]] as const) {
    probe.view.setUint8(at + 8, kind);
    probe.view.setUint32(at + 16, kind === EVENT.clock ? 1 : fd, true);
  }
  probe.view.setBigUint64(subscription + 48 + 24, 10_000_000_000n, true);
  assert.equal(await probe.callLong("poll_oneoff", subscription, events, 2, used), "success");
  if (probe.view.getUint8(events + 10) === EVENT.clock) return undefined;
  return [
    errnoName(probe.view.getUint16(events + 8, true)),
    Number(probe.view.getBigUint64(events + 16, true)),
    probe.view.getUint16(events + 24, true),
  ];
}

testSocketHosts("sock_send() and sock_recv() move bytes both ways", async (probe) => {
  const { fd, peer } = await connected(probe);
  assert.equal(await probe.send(fd, "from the guest"), 14);
  assert.equal(await readText(peer, 14), "from the guest");
  await writeText(peer, "to the guest");
  assert.deepEqual(await poll(probe, fd, EVENT.fdRead), ["success", 12, 0]);
  assert.deepEqual(await probe.receive(fd, 2, RIFLAG.peek), { text: "to", truncated: false });
  assert.deepEqual(await probe.receive(fd, 64), { text: "to the guest", truncated: false });
  peer.close();
  await poll(probe, fd, EVENT.fdRead);
  assert.deepEqual(await probe.receive(fd, 64), { text: "", truncated: false });
});

testSocketHosts("fd_read() and fd_write() do the same", async (probe) => {
  const { fd, peer } = await connected(probe);
  const [iovec, used] = [FREE, FREE + 64];
  probe.view.setUint32(iovec, FREE + 128, true);
  probe.view.setUint32(iovec + 4, probe.put("hello", FREE + 128), true);
  assert.equal(await probe.callLong("fd_write", fd, iovec, 1, used), "success");
  assert.equal(await readText(peer, 5), "hello");
  await writeText(peer, "bye");
  assert.equal(await probe.callLong("fd_read", fd, iovec, 1, used), "success");
  assert.equal(probe.get(FREE + 128, probe.view.getUint32(used, true)), "bye");
  peer.close();
});

testSocketHosts(
  "sock_recv() with waitall fills its buffers, unless the stream ends",
  async (probe) => {
    const { fd, peer } = await connected(probe);
    await writeText(peer, "abc");
    await writeText(peer, "def");
    const whole = await probe.receive(fd, 6, RIFLAG.waitAll);
    assert.deepEqual(whole, { text: "abcdef", truncated: false });
    await writeText(peer, "gh");
    peer.closeWrite();
    assert.deepEqual(await probe.receive(fd, 6, RIFLAG.waitAll), { text: "gh", truncated: false });
    peer.close();
  },
);

testSocketHosts("a non-blocking socket answers again", async (probe) => {
  const listener = await probe.mustListen();
  assert.equal(probe.call("fd_fdstat_set_flags", listener.fd, FDFLAG.nonblock), "success");
  assert.equal(await probe.accept(listener.fd), "again");
  const peer = await Deno.connect({ port: listener.port });
  assert.deepEqual((await poll(probe, listener.fd, EVENT.fdRead))?.[0], "success");
  const fd = await probe.accept(listener.fd, FDFLAG.nonblock);
  assert.ok(typeof fd === "number", String(fd));
  assert.equal(await probe.receive(fd, 8), "again");
  assert.equal(probe.call("fd_fdstat_get", fd, FREE), "success");
  assert.equal(probe.view.getUint8(FREE), FILETYPE.socketStream);
  assert.equal(probe.view.getUint16(FREE + 2, true), FDFLAG.nonblock);
  peer.close();
});

testSocketHosts(
  "sock_shutdown() ends one direction; writing on is pipe and no signal",
  async (probe) => {
    const { fd, peer } = await connected(probe);
    assert.equal(probe.call("sock_shutdown", fd, 0), "inval");
    assert.equal(probe.call("sock_shutdown", fd, 4), "inval");
    assert.equal(probe.call("sock_shutdown", fd, SDFLAG.send), "success");
    assert.equal(await readText(peer, 1), "");
    assert.equal(await probe.send(fd, "more"), "pipe");
    await writeText(peer, "still");
    assert.deepEqual(await probe.receive(fd, 5), { text: "still", truncated: false });
    peer.close();
  },
);

testSocketHosts("sock_send() to a peer that has gone is pipe or connreset", async (probe) => {
  const { fd, peer } = await connected(probe);
  peer.close();
  await poll(probe, fd, EVENT.fdRead);
  let answer: number | string = 0;
  for (let tries = 0; typeof answer === "number" && tries < 1_000; tries++) {
    answer = await probe.send(fd, "more");
  }
  assert.ok(answer === "pipe" || answer === "connreset", String(answer));
});

testSocketHosts("sock_*() refuse what is no socket, not open, or not there", async (probe) => {
  for (const name of ["sock_accept", "sock_recv", "sock_send", "sock_shutdown"]) {
    assert.equal(await probe.callLong(name, 1, 0, 0, 0, 0, 0), "notsock", name);
    assert.equal(await probe.callLong(name, 99, 0, 0, 0, 0, 0), "badf", name);
    assert.equal(await probe.callLong(name, -1, 0, 0, 0, 0, 0), "badf", name);
  }
  const { fd, peer } = await connected(probe);
  await writeText(peer, "hello");
  const end = probe.bytes.length;
  assert.equal(await probe.callLong("sock_recv", fd, end, 1, 0, FREE, FREE), "fault");
  assert.equal(await probe.callLong("sock_recv", fd, FREE, 1, 0, end, FREE), "fault");
  assert.equal(await probe.callLong("sock_recv", fd, FREE, 1, 0, FREE, end - 1), "fault");
  assert.equal(await probe.callLong("sock_recv", fd, FREE, 0xffff_ffff, 0, FREE, FREE), "fault");
  probe.view.setUint32(FREE, FREE + 64, true);
  probe.view.setUint32(FREE + 4, 0xffff_ffff, true);
  assert.equal(await probe.callLong("sock_recv", fd, FREE, 1, 0, FREE, FREE), "fault");
  assert.equal(await probe.callLong("sock_send", fd, FREE, 1, 0, FREE), "fault");
  assert.equal(await probe.receive(fd, 5, 4), "notsup");
  const listener = await probe.mustListen();
  assert.equal(await probe.callLong("sock_accept", listener.fd, 0, end), "fault");
  assert.equal(await probe.callLong("sock_accept", listener.fd, 1, FREE), "inval");
  assert.equal(await probe.callLong("sock_accept", fd, 0, FREE), "notcapable");
  assert.deepEqual(await probe.receive(fd, 5), { text: "hello", truncated: false }, "untouched");
  assert.equal(probe.call("fd_seek", fd, 0n, 0, FREE), "spipe");
  assert.equal(probe.call("fd_close", fd), "success");
  assert.equal(await probe.receive(fd, 5), "badf");
  peer.close();
});

testSocketHosts("a listener that was handed over is descriptor 3 and accepts", async (probe) => {
  assert.equal(probe.call("fd_filestat_get", 3, FREE), "success");
  assert.equal(probe.view.getUint8(FREE + 16), FILETYPE.socketStream);
  const local = await probe.local(3);
  assert.ok(typeof local !== "string" && local.port > 0);
  const peer = await Deno.connect({ port: local.port });
  const fd = await probe.accept(3); // waits, where the system has not heard of it
  assert.equal(fd, 4);
  assert.equal(await probe.send(4, "hi"), 2);
  assert.equal(await readText(peer, 2), "hi");
  assert.equal(await probe.receive(3, 1), "notcapable");
  peer.close();
  assert.equal(probe.call("fd_fdstat_get", 3, FREE), "success");
  assert.equal(probe.view.getUint8(FREE), FILETYPE.socketStream);
  assert.equal(probe.view.getUint16(FREE + 2, true), FDFLAG.nonblock);
  assert.equal(await probe.accept(3), "again", "once it was asked for its flags");
}, { ...ALLOW_ALL, listeners: [{ hostname: "127.0.0.1", port: 0 }] });
