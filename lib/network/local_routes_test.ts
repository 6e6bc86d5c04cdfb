import assert from "node:assert/strict";
import { inNamespace, namespaceFault } from "./_namespace.ts";
import { parseCidr, parseIp } from "./ip.ts";
import { LocalRoutes, routeCommand } from "./local_routes.ts";

const fault = namespaceFault();
const because = fault === undefined ? "" : ` (ignored, no network namespace: ${fault})`;
const linux = Deno.build.os === "linux";

Deno.test({
  name: `add() makes every address of a range one that programs bind and reach${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(`
      import { claimAddress } from "./claim.ts";
      import { LocalRoutes } from "./local_routes.ts";
      import { parseCidr, parseIp } from "./ip.ts";
      using routes = new LocalRoutes();
      const seen = [];
      for (const [range, ip] of [["10.99.0.0/24", "10.99.0.7"], ["fd99::/64", "fd99::7"]]) {
        seen.push(routes.isLocal(parseIp(ip)));
        routes.add(parseCidr(range));
        routes.add(parseCidr(range));
        seen.push(routes.isLocal(parseIp(ip)));
        const claims = [await claimAddress(ip), await claimAddress(ip)];
        seen.push(claims.map(({ kind }) => kind).join());
        await claims[0].held[Symbol.asyncDispose]();
      }
      seen.push(routes.isLocal(parseIp("10.99.1.7")), (await claimAddress("fd98::7")).kind);
      using listener = Deno.listen({ hostname: "10.99.0.8", port: 0 });
      using one = await Deno.connect({ hostname: "10.99.0.8", port: listener.addr.port });
      using other = await listener.accept();
      await one.write(Uint8Array.of(7));
      seen.push(await other.read(new Uint8Array(2)));
      console.log(JSON.stringify(seen));
    `);
    assert.deepEqual(seen, [
      ...[false, true, "held,taken", false, true, "held,taken"],
      ...[false, "held", 1],
    ]);
  },
});

Deno.test({
  name: `add() says that only the right is missing${because}`,
  ignore: fault !== undefined,
  fn: async () => {
    const seen = await inNamespace(
      `
      import { LocalRoutes } from "./local_routes.ts";
      import { parseCidr } from "./ip.ts";
      using routes = new LocalRoutes();
      try {
        routes.add(parseCidr("10.99.0.0/24"));
      } catch (error) {
        const { name, message, forbidden } = error;
        console.log(JSON.stringify({ name, message, forbidden }));
      }
    `,
      // Root of a user namespace only: the network is not its own.
      { flags: [], before: "true" },
    );
    assert.deepEqual(seen, {
      name: "RouteError",
      message:
        'Cannot add route "local 10.99.0.0/24 dev lo": the right to do so (NET_ADMIN) is missing',
      forbidden: true,
    });
  },
});

Deno.test({
  name: "isLocal() knows this machine's addresses",
  ignore: !linux,
  fn: () => {
    using routes = new LocalRoutes();
    assert.ok(routes.isLocal(parseIp("127.64.0.2")!));
    assert.ok(!routes.isLocal(parseIp("192.0.2.77")!));
  },
});

Deno.test("routeCommand() is what an administrator types", () => {
  assert.equal(routeCommand(parseCidr("10.9.0.0/24")!), "ip route add local 10.9.0.0/24 dev lo");
  assert.equal(routeCommand(parseCidr("fd00::/64")!), "ip -6 route add local fd00::/64 dev lo");
});
