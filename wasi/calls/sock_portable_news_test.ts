import assert from "node:assert/strict";
import { EVENT, FDFLAG } from "../abi.ts";
import { openSuspendingHost } from "../host/open.ts";
import type { NetworkNews } from "../network/news.ts";
import { FREE } from "../testing/probe.ts";
import { readText, SocketProbe } from "../testing/socket_probe.ts";

const LOCAL = "127.0.0.1";

/** News that tell who listens to them, as the portable host does. */
class News implements NetworkNews {
  readonly descriptor = undefined;
  readonly listeners = new Set<() => void>();
  closing = false;

  look(): { guarded: boolean; closing: boolean } {
    return { guarded: false, closing: this.closing };
  }

  onNews(listener: () => void): Disposable {
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }

  close(): void {
    this.closing = true;
    for (const tell of this.listeners) tell();
  }
}

Deno.test("news end waiting to accept on the portable host, and connections go on", async () => {
  const host = await openSuspendingHost();
  const news = new News();
  host.heed(news);
  {
    using probe = new SocketProbe(host, { allowAddress: () => true, networkNews: news });
    const { fd, port } = await probe.mustListen();
    const idle = await probe.mustListen();
    using peer = await Deno.connect({ hostname: LOCAL, port });
    const connection = await probe.accept(fd) as number;
    const waits = probe.accept(fd);
    news.close();
    assert.equal(await waits, "inval", "it would wait for ever");
    const sinceMs = performance.now();
    for (let times = 0; times < 4; times++) assert.equal(await probe.accept(fd), "inval");
    assert.ok(performance.now() - sinceMs > 250, "who does not believe it is made to wait");
    await assert.rejects(Deno.connect({ hostname: LOCAL, port }), Deno.errors.ConnectionRefused);
    await assert.rejects(Deno.connect({ hostname: LOCAL, port: idle.port }));
    assert.equal(await probe.send(connection, "still here"), 10);
    assert.equal(await readText(peer, 10), "still here");
    const late = await probe.mustListen();
    assert.equal(await probe.accept(late.fd), "inval", "what listens later is closed as well");
    assert.equal(probe.call("fd_fdstat_set_flags", idle.fd, FDFLAG.nonblock), "success");
    await readable(probe, idle.fd);
    assert.equal(await probe.accept(idle.fd), "inval");
  }
  await host.finish();
  assert.equal(news.listeners.size, 0);
});

Deno.test("poll_oneoff() on the portable host tells of a listener that is shut down", async () => {
  const host = await openSuspendingHost();
  const news = new News();
  host.heed(news);
  {
    using probe = new SocketProbe(host, { allowAddress: () => true, networkNews: news });
    const { fd } = await probe.mustListen();
    const waits = readable(probe, fd);
    news.close();
    await waits;
  }
  await host.finish();
});

Deno.test("what was said before a guest on the portable host began is heeded", async () => {
  const host = await openSuspendingHost();
  const news = new News();
  news.closing = true;
  host.heed(news);
  {
    using probe = new SocketProbe(host, { allowAddress: () => true, networkNews: news });
    const { fd } = await probe.mustListen();
    assert.equal(await probe.accept(fd), "inval");
  }
  await host.finish();
});

Deno.test("a socket that is closed while it is decided about opens nothing", async () => {
  const host = await openSuspendingHost();
  {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    using probe = new SocketProbe(host, { allowAddress: () => promise });
    using free = Deno.listen({ hostname: LOCAL, port: 0 });
    const at = { hostname: LOCAL, port: free.addr.port };
    const calls: Promise<string>[] = [];
    const use = async (protocol: "tcp" | "udp", call: "bind" | "connect"): Promise<void> => {
      const fd = await probe.mustSocket("ipv4", protocol);
      calls.push(probe[call](fd, at));
      assert.equal(probe.call("fd_close", fd), "success");
    };
    await use("tcp", "bind");
    await use("tcp", "connect");
    await use("udp", "bind");
    await use("udp", "connect");
    resolve(true);
    assert.deepEqual(await Promise.all(calls), ["badf", "badf", "badf", "badf"]);
  }
  await host.finish();
});

async function readable(probe: SocketProbe, fd: number): Promise<void> {
  probe.bytes.fill(0, FREE, FREE + 48);
  probe.view.setUint8(FREE + 8, EVENT.fdRead);
  probe.view.setUint32(FREE + 16, fd, true);
  assert.equal(await probe.callLong("poll_oneoff", FREE, FREE + 64, 1, FREE + 128), "success");
}
