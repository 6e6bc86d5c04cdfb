import assert from "node:assert/strict";
import { isKubeletError } from "../errors.ts";
import { inNamespace, namespaceFault } from "./_namespace.ts";
import { REST_MS } from "./address_book.ts";
import { type ClusterRanges, PodAddresses, type PodAddressesOptions } from "./pod_addresses.ts";

const HOST_IPS = ["192.0.2.2"];
const SIGNAL = new AbortController().signal;

/** Addresses, and what they have warned of. */
async function opened(
  options: Partial<PodAddressesOptions> = {},
): Promise<{ addresses: PodAddresses; warnings: string[] }> {
  const warnings: string[] = [];
  const addresses = await PodAddresses.open({
    wanted: "auto",
    hostIPs: HOST_IPS,
    warn: (message) => warnings.push(message),
    signal: SIGNAL,
    ...options,
  });
  return { addresses, warnings };
}

/** A block that others hardly take in a moment when nobody has it: all begin with the first. */
const BLOCK_OF_TEST = `127.${72 + 2 * (Deno.pid % 13)}.0.0/16`;

async function inFolder(run: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(`${dir}/pod_addresses.json`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Only where all of 127.0.0.0/8 is this machine's. */
const loopbackTest = (name: string, fn: () => Promise<void>): void => {
  Deno.test({ name, fn, ignore: Deno.build.os === "darwin" });
};

loopbackTest("take() gives 100 pods 100 addresses, where all listen on one port", async () => {
  const { addresses } = await opened();
  await using _ = addresses;
  assert.equal(addresses.mode, "loopback");
  const places = await Promise.all(
    Array.from({ length: 100 }, (_, at) => addresses.take(`pod-${at}`)),
  );
  const ips = places.flatMap(({ podIPs }) => podIPs);
  assert.equal(new Set(ips).size, 100);
  assert.equal(new Set(places.map(({ loopback }) => loopback)).size, 100);
  assert.ok(places.every(({ own }) => own));
  using all = new DisposableStack();
  const { port } = all.use(Deno.listen({ hostname: ips[0]!, port: 0 })).addr;
  for (const ip of ips.slice(1)) all.use(Deno.listen({ hostname: ip, port }));
  for (const [at, ip] of ips.entries()) {
    (await Deno.connect({ hostname: ip, port })).close();
    assert.equal(addresses.find(ip), `pod-${at}`);
  }
});

loopbackTest(
  "take() gives the same after the agent was killed, and others what is free",
  async () => {
    await inFolder(async (path) => {
      const nobody = { version: 1, block: BLOCK_OF_TEST, pods: {}, resting: [], ranges: [] };
      await Deno.writeTextFile(path, JSON.stringify(nobody));
      const first = await opened({ path });
      const places = await Promise.all(["a", "b", "c"].map((uid) => first.addresses.take(uid)));
      await first.addresses.release("b");
      // What a killed agent lets go of is what the kernel takes: its claim.
      await first.addresses[Symbol.asyncDispose]();
      const next = await opened({ path });
      await using addresses = next.addresses;
      assert.deepEqual(addresses.uids, ["a", "c"]);
      assert.deepEqual(await addresses.take("c"), places[2]);
      assert.deepEqual(await addresses.take("a"), places[0]);
      assert.equal(addresses.find(places[1]!.podIPs[0]!), undefined);
      const other = await addresses.take("d");
      assert.notDeepEqual(other, places[1], "it rests");
      assert.deepEqual([first.warnings, next.warnings], [[], []]);
    });
  },
);

loopbackTest("release() gives addresses back, after a rest", async () => {
  let nowMs = 1_000_000;
  const { addresses } = await opened({ nowMs: () => nowMs });
  await using _ = addresses;
  const place = await addresses.take("a");
  await addresses.release("a");
  await addresses.release("a");
  nowMs += REST_MS;
  assert.deepEqual(await addresses.take("b"), place);
});

loopbackTest("take() goes on when nothing can be written, and says so", async () => {
  const { addresses, warnings } = await opened({ path: "/proc/no-such-folder/x.json" });
  await using _ = addresses;
  assert.equal((await addresses.take("a")).own, true);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^Cannot write file "\/proc\/no-such-folder\/x\.json"/);
});

loopbackTest("open() puts a bad file aside, and begins anew", async () => {
  await inFolder(async (path) => {
    const bad = [
      "{",
      "[]",
      "{}",
      `{"version":1,"pods":{"a":{"podIPs":"x"}},"resting":[],"ranges":[]}`,
      `{"version":1,"pods":{},"resting":[{}],"ranges":[]}`,
      `{"version":1,"pods":{},"resting":[],"ranges":[1]}`,
    ];
    for (const text of bad) {
      await Deno.writeTextFile(path, text);
      const { addresses, warnings } = await opened({ path });
      await using _ = addresses;
      assert.match(warnings.join(), /^Cannot use file ".*", pods get new addresses: /, text);
      assert.equal(await Deno.readTextFile(`${path}.bad`), text);
      assert.deepEqual(addresses.uids, []);
    }
  });
});

loopbackTest(
  "open() gives new addresses in place of those that fit no more, and says so",
  async () => {
    await inFolder(async (path) => {
      const pods = { a: { podIPs: ["10.1.0.2"] }, b: { podIPs: ["10.1.0.3"] } };
      await Deno.writeTextFile(path, JSON.stringify({ version: 1, pods, resting: [], ranges: [] }));
      const { addresses, warnings } = await opened({ path });
      await using _ = addresses;
      assert.match(warnings.join(), /^2 pods get new addresses: what they had is not of 127\./);
      assert.match((await addresses.take("a")).podIPs[0]!, /^127\./);
    });
  },
);

Deno.test("take() gives the node's address where pods share it", async () => {
  const { addresses } = await opened({ wanted: "host" });
  await using _ = addresses;
  assert.equal(addresses.mode, "host");
  const { podIPs, own, loopback } = await addresses.take("a");
  assert.deepEqual([podIPs, own], [HOST_IPS, false]);
  assert.equal(addresses.find(HOST_IPS[0]!), undefined, "it is nobody's alone");
  if (loopback !== undefined) assert.equal(addresses.find(loopback), "a");
  assert.deepEqual(addresses.hostPlace, { podIPs: HOST_IPS, loopback: undefined, own: false });
});

Deno.test("open() refuses what the machine does not have", async () => {
  const wish = { wanted: "anyip", podCidrs: ["127.3.0.0/16", "nonsense"] } as const;
  await assert.rejects(opened(wish), (error) => {
    assert.ok(isKubeletError(error, "invalid"));
    assert.match(error.message, /127\.3\.0\.0\/16 overlaps 127\.0\.0\.0\/8, which is special/);
    assert.match(error.message, /"nonsense" is no range of addresses/);
    return true;
  });
});

/** A cluster that says at once what is known. */
function cluster(current: readonly string[] | undefined): ClusterRanges & { asked: number } {
  return {
    asked: 0,
    current,
    wait(): Promise<readonly string[]> {
      this.asked++;
      return Promise.resolve(current ?? []);
    },
  };
}

Deno.test("open() asks the cluster only if that matters", async () => {
  const asked = async (options: Partial<PodAddressesOptions>): Promise<number> => {
    const ranges = cluster([]);
    const { addresses } = await opened({ cluster: ranges, ...options });
    await addresses[Symbol.asyncDispose]();
    return ranges.asked;
  };
  assert.equal(await asked({ wanted: "auto" }), 1);
  assert.equal(await asked({ wanted: "host" }), 0);
  assert.equal(await asked({ wanted: "auto", podCidrs: ["nonsense"] }), 0);
  await assert.rejects(
    opened({ wanted: "anyip", cluster: cluster([]) }),
    /gave it no spec\.podCIDR/,
  );
});

Deno.test("look() says once that the cluster has given other ranges", async () => {
  const ranges: { -readonly [Key in keyof ClusterRanges]: ClusterRanges[Key] } = cluster([]);
  const { addresses, warnings } = await opened({ cluster: ranges });
  await using _ = addresses;
  addresses.look();
  assert.deepEqual(warnings, []);
  ranges.current = ["10.1.0.0/24"];
  addresses.look();
  addresses.look();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^The cluster gives this node's pods 10\.1\.0\.0\/24 by now/);
  ranges.current = undefined;
  addresses.look();
  assert.equal(warnings.length, 1);
});

const fault = namespaceFault();
const because = fault === undefined ? "" : ` (ignored, no network namespace: ${fault})`;
const NAMESPACE = `
  import { PodAddresses } from "./pod_addresses.ts";
  const warnings = [];
  const options = {
    hostIPs: ["192.0.2.2"],
    warn: (message) => warnings.push(message),
    signal: new AbortController().signal,
  };
`;

Deno.test({
  name: `pods have addresses of both families, and a full range says so${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(`
      ${NAMESPACE}
      const podCidrs = ["10.9.1.0/29", "fd99::/64"];
      const addresses = await PodAddresses.open({ ...options, wanted: "auto", podCidrs });
      const places = [];
      for (const uid of ["a", "b", "c", "d", "e"]) places.push(await addresses.take(uid));
      const { code, reason, message } = await addresses.take("f").catch((error) => error);
      console.log(JSON.stringify({ places, code, reason, message, ranges: addresses.ranges }));
      Deno.exit();
    `) as Record<string, unknown> & { places: { podIPs: string[]; loopback: string }[] };
    assert.deepEqual(seen.places[4]?.podIPs, ["10.9.1.6", "fd99::6"]);
    assert.match(seen.places[4]?.loopback ?? "", /^127\.\d+\.0\.6$/);
    assert.equal(seen["code"], "too_many");
    assert.equal(seen["reason"], "FailedCreatePodSandBox");
    assert.equal(
      seen["message"],
      'Cannot give pod "f" an address: all 5 of 10.9.1.0/29 and fd99::/64 are taken; wait until pods ' +
        "end, or give the node a larger range",
    );
  },
});

Deno.test({
  name: `look() makes a route again that somebody took away${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(`
      ${NAMESPACE}
      const addresses = await PodAddresses.open({ ...options, wanted: "anyip", podCidrs: ["10.9.1.0/24"] });
      addresses.look();
      const { podIPs: [hostname] } = await addresses.take("a");
      const ip = (...args) => new Deno.Command("ip", { args }).outputSync().success;
      const binds = () => {
        try {
          Deno.listen({ hostname, port: 0 }).close();
          return true;
        } catch {
          return false;
        }
      };
      const seen = [binds(), ip("route", "del", "local", "10.9.1.0/24", "dev", "lo"), binds()];
      addresses.look();
      seen.push(binds());
      ip("link", "set", "lo", "down");
      addresses.look();
      ip("link", "set", "lo", "up");
      addresses.look();
      seen.push(binds());
      console.log(JSON.stringify({ seen, warnings }));
      Deno.exit();
    `) as { seen: boolean[]; warnings: string[] };
    assert.deepEqual(seen.seen, [true, true, false, true, true]);
    assert.equal(seen.warnings[0], "The route to range 10.9.1.0/24 was gone, and is there again");
  },
});

Deno.test({
  name: `open() goes on with the ranges of before while nobody can ask the cluster${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    await inFolder(async (path) => {
      const seen = await inNamespace(`
        ${NAMESPACE}
        const path = ${JSON.stringify(path)};
        const open = (current) => PodAddresses.open({
          ...options, path, wanted: "auto", cluster: { wait: () => Promise.resolve(current ?? []), current },
        });
        const first = await open(["10.9.1.0/24"]);
        const place = await first.take("a");
        await first[Symbol.asyncDispose]();
        const away = await open(undefined);
        const same = await away.take("a");
        await away[Symbol.asyncDispose]();
        const without = await open([]);
        console.log(JSON.stringify({ place, same, modes: [first.mode, away.mode, without.mode] }));
        Deno.exit();
      `) as { place: unknown; same: unknown; modes: string[] };
      assert.deepEqual(seen.same, seen.place);
      assert.deepEqual(seen.modes, ["anyip", "anyip", "loopback"]);
    });
  },
});

loopbackTest("isOfPods() is true for all that a pod of this machine has or may get", async () => {
  const { addresses } = await opened();
  await using _ = addresses;
  const { podIPs: [podIP = ""], loopback = "" } = await addresses.take("a");
  const theirs = [podIP, loopback, `::ffff:${loopback}`, "127.64.0.9", "127.127.255.254"];
  assert.deepEqual(theirs.filter((ip) => !addresses.isOfPods(ip)), []);
  const others = ["127.0.0.1", "127.63.0.9", "127.128.0.9", "::1", "192.0.2.2", "no address"];
  assert.deepEqual(others.filter((ip) => addresses.isOfPods(ip)), []);
});
