import assert from "node:assert/strict";
import { formatIp } from "../network/ip.ts";
import { FREE, HOSTS, Probe } from "../testing/probe.ts";
import type { WasiOptions } from "../options.ts";

const [HINTS, FIRST, OUT, NAME] = [FREE, FREE + 4_096, FREE + 64, FREE + 128];
const [INFO_BYTES, SOCKADDRS, DATA, DATA_BYTES] = [28, FREE + 8_192, FREE + 12_288, 26];

interface Asked {
  readonly service?: string;
  readonly family?: number;
  readonly type?: number;
  readonly most?: number;
  /** Bytes that the guest says to have for an address; 14 means 26. */
  readonly said?: number;
}

/** Lays out the list that the answers go into, and asks. Each answer as `type ip port`. */
function ask(probe: Probe, name: string, asked: Asked = {}): string | string[] {
  const { service = "80", family = 0, type = 2, most = 4, said = 14 } = asked;
  const { view } = probe;
  probe.bytes.fill(0, HINTS, HINTS + INFO_BYTES);
  view.setUint8(HINTS + 2, family);
  view.setUint8(HINTS + 3, type);
  for (let index = 0; index < 4; index++) {
    const info = FIRST + index * INFO_BYTES;
    const sockaddr = SOCKADDRS + index * 16;
    view.setUint32(info + 12, sockaddr, true);
    view.setUint32(info + 24, index === 3 ? 0 : info + INFO_BYTES, true);
    view.setUint32(sockaddr + 4, said, true);
    view.setUint32(sockaddr + 8, DATA + index * DATA_BYTES, true);
  }
  view.setUint32(OUT, FIRST, true);
  const texts = [NAME, probe.put(`${name}\0`, NAME), NAME + 256, probe.put(service, NAME + 256)];
  const failed = probe.call("sock_getaddrinfo", ...texts, HINTS, OUT, most, OUT + 4);
  if (failed !== "success") return failed;
  return Array.from({ length: view.getUint32(OUT + 4, true) }, (_, index) => {
    const data = DATA + index * DATA_BYTES;
    const bytes = view.getUint8(SOCKADDRS + index * 16) === 1 ? 4 : 16;
    const ip = formatIp(probe.bytes.slice(data + 2, data + 2 + bytes));
    return `${view.getUint8(FIRST + index * INFO_BYTES + 3)} ${ip} ${view.getUint16(data)}`;
  });
}

const OPTIONS: WasiOptions = {
  allowAddress: ({ purpose, address }) => purpose === "resolve" && address.hostname !== "secret",
  lookup: (name) => name === "db" ? ["10.0.0.5", "fd00::5"] : [],
};

function test(name: string, run: (probe: Probe) => void): void {
  Deno.test(name, () => {
    using probe = new Probe(HOSTS[0]![1], OPTIONS);
    run(probe);
  });
}

test("sock_getaddrinfo() fills the guest's list", (probe) => {
  assert.deepEqual(ask(probe, "db"), ["2 10.0.0.5 80", "2 fd00::5 80"]);
  assert.deepEqual(ask(probe, "db", { family: 2 }), ["2 fd00::5 80"]);
  assert.deepEqual(ask(probe, "db", { most: 1 }), ["2 10.0.0.5 80"]);
  assert.deepEqual(ask(probe, "db", { type: 0, family: 1, service: "53" }), [
    "2 10.0.0.5 53",
    "1 10.0.0.5 53",
  ]);
  assert.deepEqual(ask(probe, "localhost", { family: 1 }), ["2 127.0.0.1 80"]);
  assert.deepEqual(ask(probe, "9.9.9.9"), ["2 9.9.9.9 80"]);
});

test("sock_getaddrinfo() says why not", (probe) => {
  assert.equal(ask(probe, "nobody"), "ainoname");
  assert.equal(ask(probe, "secret"), "acces");
  assert.equal(ask(probe, "db", { service: "gopher" }), "aiservice");
  assert.equal(ask(probe, "db", { family: 3 }), "aifamily");
  assert.equal(ask(probe, "db", { type: 3 }), "aisocktype");
  assert.equal(ask(probe, "db", { most: 0 }), "aimemory");
  assert.equal(ask(probe, "", { service: "" }), "ainoname");
  assert.equal(ask(probe, "x".repeat(300)), "ainoname");
});

test("sock_getaddrinfo() writes only where the guest has memory and said so", (probe) => {
  assert.equal(ask(probe, "db", { said: 4 }), "aimemory");
  assert.equal(ask(probe, "db", { said: 6 }), "aimemory", "the second one is longer");
  const end = probe.bytes.length;
  probe.view.setUint32(OUT, end - 4, true);
  assert.equal(probe.call("sock_getaddrinfo", NAME, 2, NAME, 0, HINTS, OUT, 4, OUT + 4), "fault");
  probe.view.setUint32(OUT, FIRST, true);
  probe.view.setUint32(FIRST + 12, end - 8, true);
  assert.equal(probe.call("sock_getaddrinfo", NAME, 2, NAME, 0, HINTS, OUT, 4, OUT + 4), "fault");
  assert.equal(probe.call("sock_getaddrinfo", end, 2, NAME, 0, HINTS, OUT, 4, OUT + 4), "fault");
});
