import assert from "node:assert/strict";
import { isKubeletError } from "../errors.ts";
import { inNamespace, namespaceFault } from "./_namespace.ts";
import {
  chooseMode,
  ensureRoute,
  type GroundFacts,
  type PodNetworkWish,
  takeGround,
} from "./ground.ts";
import { formatCidr, parseCidr } from "./ip.ts";
import { rangeFault } from "./pod_ranges.ts";
import { RouteError } from "./local_routes.ts";

const RANGE = parseCidr("10.1.0.0/24")!;
const BLOCK = { pods: parseCidr("127.64.0.0/16")! };
const NO_BLOCK = "this machine has no addresses in 127.0.0.0/8 but 127.0.0.1";
const ROUTED: GroundFacts["anyip"] = { ranges: [RANGE], why: [] };
const UNROUTED: GroundFacts["anyip"] = { ranges: [], why: ["no right"] };

/** What is wished for, what there is, and what comes of it. */
const CHOICES: readonly [PodNetworkWish, GroundFacts, string][] = [
  ["auto", { anyip: ROUTED, block: BLOCK }, "anyip 10.1.0.0/24 ()"],
  ["auto", { anyip: ROUTED, block: NO_BLOCK }, `anyip 10.1.0.0/24 (${NO_BLOCK})`],
  ["auto", { anyip: UNROUTED, block: BLOCK }, "loopback 127.64.0.0/16 (no right)"],
  ["auto", { anyip: UNROUTED, block: NO_BLOCK }, `host  (no right; ${NO_BLOCK})`],
  ["anyip", { anyip: ROUTED, block: BLOCK }, "anyip 10.1.0.0/24 ()"],
  ["loopback", { anyip: ROUTED, block: BLOCK }, "loopback 127.64.0.0/16 ()"],
  ["host", { anyip: ROUTED, block: BLOCK }, "host  ()"],
  ["host", { anyip: ROUTED, block: NO_BLOCK }, `host  (${NO_BLOCK})`],
];

Deno.test("chooseMode() takes what is wished for, or the best that there is", () => {
  for (const [wanted, facts, expected] of CHOICES) {
    const { mode, ranges, why } = chooseMode(wanted, {
      ...facts,
      anyip: wanted === "loopback" ? { ranges: [], why: [] } : facts.anyip,
    });
    assert.equal(`${mode} ${ranges.map(formatCidr)} (${why.join("; ")})`, expected);
  }
});

Deno.test("chooseMode() refuses what there is not, and says why", () => {
  const message = (wanted: PodNetworkWish, facts: GroundFacts): string => {
    try {
      chooseMode(wanted, facts);
    } catch (error) {
      assert.ok(isKubeletError(error, "invalid"));
      return error.message;
    }
    return "";
  };
  assert.match(
    message("anyip", { anyip: UNROUTED, block: BLOCK }),
    /^Cannot have the pod network "anyip": no right; or give --pod-network auto/,
  );
  assert.match(
    message("loopback", { anyip: ROUTED, block: NO_BLOCK }),
    /^Cannot have the pod network "loopback": this machine has no addresses/,
  );
});

Deno.test("rangeFault() refuses ranges that are special, too small or somebody's", () => {
  const taken = [
    { cidr: parseCidr("192.0.2.0/24")!, owner: "interface eth0" },
    { cidr: parseCidr("198.51.100.9/32")!, owner: "the node itself" },
    { cidr: parseCidr("fd00::/64")!, owner: "interface eth0" },
  ];
  const fault = (text: string): string | undefined => rangeFault(parseCidr(text)!, taken);
  for (
    const fine of ["10.0.0.0/8", "10.0.0.0/30", "192.0.3.0/24", "fd00:1::/64", "100.64.0.0/10"]
  ) {
    assert.equal(fault(fine), undefined, fine);
  }
  assert.equal(
    fault("10.0.0.0/31"),
    "range 10.0.0.0/31 is too small: it needs at least 4 addresses",
  );
  assert.equal(
    fault("192.0.2.128/25"),
    "range 192.0.2.128/25 overlaps 192.0.2.0/24 of interface eth0",
  );
  assert.equal(fault("192.0.0.0/16"), "range 192.0.0.0/16 overlaps 192.0.2.0/24 of interface eth0");
  assert.equal(
    fault("198.51.100.0/24"),
    "range 198.51.100.0/24 overlaps 198.51.100.9/32 of the node itself",
  );
  assert.equal(fault("fd00::/48"), "range fd00::/48 overlaps fd00::/64 of interface eth0");
  for (
    const special of [
      "127.64.0.0/16",
      "0.0.0.0/0",
      "224.1.0.0/16",
      "fe80::/64",
      "::/0",
      "ff02::/64",
    ]
  ) {
    assert.match(fault(special) ?? "", /, which is special$/, special);
  }
});

Deno.test("ensureRoute() makes a route once, and does not believe one that leads elsewhere", () => {
  let [added, works] = [0, true];
  const local = new Set<string>();
  const routes = {
    isLocal: (ip: Uint8Array): boolean => local.has(ip.join(".")),
    add: (): void => {
      added++;
      for (const ip of works ? ["10.1.0.1", "10.1.0.255"] : ["10.1.0.1"]) local.add(ip);
    },
  };
  assert.equal(ensureRoute(RANGE, routes), true);
  assert.equal(ensureRoute(RANGE, routes), false);
  assert.equal(added, 1);
  local.clear();
  works = false;
  assert.throws(() => ensureRoute(RANGE, routes), RouteError);
});

/** A block that others hardly take in a moment when nobody has it: all begin with the first. */
const BLOCK_OF_TEST = `127.${100 + 2 * (Deno.pid % 13)}.0.0/16`;

const WISH = { wanted: "auto", podCidrs: [], hostIPs: ["192.0.2.2"] } as const;

Deno.test({
  name: "takeGround() gives two agents of a machine ranges of loopback addresses of their own",
  ignore: Deno.build.os === "darwin", // has no more of them than 127.0.0.1
  fn: async () => {
    await using one = await takeGround(WISH);
    await using other = await takeGround({ ...WISH, wanted: "loopback" });
    assert.deepEqual([one.mode, other.mode], ["loopback", "loopback"]);
    assert.match(one.why.join(), /the node has no range for pods/);
    assert.notEqual(one.block, other.block);
    const [pods, loopbacks] = [one.ranges[0]!, one.loopbacks!];
    assert.equal(formatCidr(pods), one.block);
    assert.equal(loopbacks.ip[1], pods.ip[1]! + 1);
    // Programs of nobody special can bind there, all on the same port.
    using first = Deno.listen({ hostname: `127.${pods.ip[1]}.0.2`, port: 0 });
    using second = Deno.listen({ hostname: `127.${pods.ip[1]}.0.3`, port: first.addr.port });
    assert.equal(second.addr.port, first.addr.port);
  },
});

Deno.test({
  name: "takeGround() takes the block that was used before, if nobody else has it",
  ignore: Deno.build.os === "darwin", // has no more addresses of it than 127.0.0.1
  fn: async () => {
    const before = await takeGround({ ...WISH, block: BLOCK_OF_TEST });
    assert.equal(before.block, BLOCK_OF_TEST);
    await using other = await takeGround({ ...WISH, block: BLOCK_OF_TEST });
    assert.notEqual(other.block, BLOCK_OF_TEST);
    await before[Symbol.asyncDispose]();
    await using again = await takeGround({ ...WISH, wanted: "host", block: BLOCK_OF_TEST });
    assert.deepEqual([again.mode, again.ranges, again.block], ["host", [], BLOCK_OF_TEST]);
  },
});

const fault = namespaceFault();
const because = fault === undefined ? "" : ` (ignored, no network namespace: ${fault})`;

Deno.test({
  name: `takeGround() routes the node's ranges, and says what it cannot use${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(
      `
      import { takeGround } from "./ground.ts";
      import { formatCidr } from "./ip.ts";
      const podCidrs = ["10.9.1.0/24", "fd99::/64", "10.9.2.0/24"];
      const wish = { wanted: "auto", podCidrs, hostIPs: ["192.0.2.2"] };
      const tell = ({ mode, ranges, why }) => ({ mode, ranges: ranges.map(formatCidr), why });
      const one = await takeGround(wish);
      const other = await takeGround(wish);
      const overlapping = await takeGround({ ...wish, podCidrs: ["10.8.0.0/16"] });
      console.log(JSON.stringify([one, other, overlapping].map(tell)));
      Deno.exit();
    `,
      {
        before: "ip addr add 10.8.3.1/24 dev lo",
      },
    );
    const [one, other, overlapping] = seen as { mode: string; ranges: string[]; why: string[] }[];
    assert.deepEqual(one, {
      mode: "anyip",
      ranges: ["10.9.1.0/24", "fd99::/64"],
      why: ["range 10.9.2.0/24 is the second of its family"],
    });
    assert.equal(other?.mode, "anyip", "the third range is free");
    assert.deepEqual(other?.ranges, ["10.9.2.0/24"]);
    assert.match(other?.why[0] ?? "", /^range 10\.9\.1\.0\/24 is in use by another agent/);
    assert.equal(overlapping?.mode, "loopback");
    assert.match(overlapping?.why[0] ?? "", /overlaps 10\.8\.3\.0\/24 of interface lo$/);
  },
});

Deno.test({
  name: `takeGround() uses a route that root has made, and else says what to type${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(
      `
      import { takeGround } from "./ground.ts";
      const wish = { wanted: "anyip", hostIPs: ["192.0.2.2"] };
      await using ground = await takeGround({ ...wish, podCidrs: ["10.9.1.0/24"] });
      const error = await takeGround({ ...wish, podCidrs: ["10.9.2.0/24"] }).catch((error) => error);
      console.log(JSON.stringify([ground.mode, error.message]));
    `,
      // A second user namespace: its root has no rights over the network.
      { before: "ip route add local 10.9.1.0/24 dev lo", inner: ["unshare", "-r"] },
    );
    const [mode, message] = seen as [string, string];
    assert.equal(mode, "anyip");
    assert.match(
      message,
      /the right to do so \(NET_ADMIN\) is missing; as root, once: ip route add local 10\.9\.2\.0\/24 dev lo/,
    );
  },
});
