import fc from "fast-check";
import assert from "node:assert/strict";
import type { Pod } from "../../api/types.ts";
import { AllowedHosts, LEARNED_MAX, LEARNED_MS } from "./allowed_hosts.ts";
import { ALLOWED_DOMAINS, ALLOWED_HOSTS, HOST_ENTRIES_MAX } from "./host_entries.ts";

function limited(hosts: string, now?: () => number): AllowedHosts {
  return AllowedHosts.of(annotated({ [ALLOWED_HOSTS]: hosts }), now)!;
}

function annotated(annotations: Record<string, string>): Pod {
  return { metadata: { name: "web", annotations } };
}

Deno.test("AllowedHosts.of() limits only pods with an annotation", () => {
  assert.equal(AllowedHosts.of({}), undefined);
  assert.equal(AllowedHosts.of(annotated({ "krustlet.dev/else": "[]" })), undefined);
  for (const nothing of ["", " ", "[]", ","]) {
    const hosts = limited(nothing);
    assert.ok(!hosts.mayResolve("example.com"));
    assert.ok(!hosts.mayReach({ ip: "203.0.113.7", port: 443 }));
  }
  const none = AllowedHosts.of(annotated({ [ALLOWED_DOMAINS]: "[]" }))!;
  assert.ok(!none.mayResolve("example.com"));
});

Deno.test("AllowedHosts.mayResolve() knows names, and what is below them", () => {
  const hosts = limited("api.example.com:443, *.example.org ,web, _dmarc.example.net");
  for (
    const name of [
      "api.example.com",
      "API.Example.com.",
      "a.example.org",
      "a.b.example.org",
      "web",
      "_dmarc.example.net",
    ]
  ) assert.ok(hosts.mayResolve(name), name);
  for (
    const name of [
      "example.com",
      "x.api.example.com",
      "example.org",
      ".example.org",
      "badexample.org",
      "a.example.org.evil.test",
      "web.shop",
      "",
      ".",
      "*.example.org\0",
    ]
  ) assert.ok(!hosts.mayResolve(name), name);
});

Deno.test("AllowedHosts.mayReach() allows listed addresses", () => {
  const hosts = limited(
    '["192.0.2.1", "198.51.100.0/24", "203.0.113.7:80", "2001:db8::1", "[2001:db8::2]:53", "fd00::/64"]',
  );
  const reach = (ip: string, port = 443): boolean => hosts.mayReach({ ip, port });
  assert.ok(reach("192.0.2.1"));
  assert.ok(reach("::ffff:192.0.2.1"));
  assert.ok(!reach("192.0.2.2"));
  assert.ok(reach("198.51.100.200"));
  assert.ok(reach("203.0.113.7", 80));
  assert.ok(!reach("203.0.113.7", 443));
  assert.ok(reach("2001:db8::1"));
  assert.ok(reach("2001:db8:0::1"));
  assert.ok(reach("2001:db8::2", 53));
  assert.ok(!reach("2001:db8::2", 54));
  assert.ok(reach("fd00::abcd"));
  assert.ok(!reach("fd00:0:0:1::1"));
  assert.ok(!reach("example.com"));
});

Deno.test("AllowedHosts.mayReach() allows what a listed name has led to, on its ports and for a time", () => {
  let nowMs = 0;
  const hosts = limited("api.example.com:443,*.example.org:80,a.example.org:8080", () => nowMs);
  const ip = "203.0.113.7";
  const ports = (): number[] => [80, 443, 8080].filter((port) => hosts.mayReach({ ip, port }));
  assert.deepEqual(ports(), []);
  hosts.learned("evil.test", [ip]);
  assert.deepEqual(ports(), []);
  hosts.learned("api.example.com", [ip, "2001:db8::1", "nonsense"]);
  assert.deepEqual(ports(), [443]);
  assert.ok(hosts.mayReach({ ip: "2001:db8::1", port: 443 }));
  assert.ok(!hosts.mayReach({ ip: "203.0.113.8", port: 443 }));
  nowMs += LEARNED_MS / 2;
  // Another name of the same address opens its own ports, and keeps nothing open for the first.
  hosts.learned("A.example.org.", [ip]);
  assert.deepEqual(ports(), [80, 443, 8080]);
  nowMs += LEARNED_MS / 2;
  assert.deepEqual(ports(), [80, 8080]);
  nowMs += LEARNED_MS / 2;
  assert.deepEqual(ports(), []);
});

Deno.test("AllowedHosts forgets the oldest addresses first", () => {
  const hosts = limited("*.example.org");
  const addresses = Array.from({ length: LEARNED_MAX }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
  hosts.learned("a.example.org", addresses);
  const may = (ip: string): boolean => hosts.mayReach({ ip, port: 1 });
  assert.ok(may("10.0.0.0") && may("10.0.0.1"));
  hosts.learned("b.example.org", ["10.0.0.0"]); // it is the newest now
  hosts.learned("c.example.org", ["192.0.2.1"]);
  assert.ok(may("192.0.2.1") && may("10.0.0.0") && may("10.0.0.2"));
  assert.ok(!may("10.0.0.1"));
});

Deno.test("AllowedHosts.of() reads Krustlet's annotation: the hosts of URLs", () => {
  const hosts = AllowedHosts.of(annotated({
    [ALLOWED_DOMAINS]:
      '["https://postman-echo.com", "http://API.example.com:8080/path", "http://192.0.2.1", "http://[2001:db8::1]:80/"]',
  }))!;
  assert.ok(hosts.mayResolve("postman-echo.com"));
  assert.ok(hosts.mayResolve("api.example.com"));
  assert.ok(!hosts.mayResolve("www.postman-echo.com"));
  hosts.learned("api.example.com", ["203.0.113.7"]);
  for (const ip of ["203.0.113.7", "192.0.2.1", "2001:db8::1"]) {
    assert.ok(hosts.mayReach({ ip, port: 9 }), `${ip}: scheme and port do not count`);
  }
});

Deno.test("AllowedHosts.of() adds up both annotations", () => {
  const hosts = AllowedHosts.of(annotated({
    [ALLOWED_DOMAINS]: '["https://one.test"]',
    [ALLOWED_HOSTS]: "two.test:80",
  }))!;
  assert.ok(hosts.mayResolve("one.test") && hosts.mayResolve("two.test"));
});

Deno.test("AllowedHosts.of() refuses a pod whose annotation cannot be read, and says what is wrong", () => {
  const rejects = (annotations: Record<string, string>, message: RegExp): void => {
    assert.throws(() => AllowedHosts.of(annotated(annotations)), {
      name: "KubeletError",
      code: "rejected",
      reason: "AllowedHostsInvalid",
      message,
    }, JSON.stringify(annotations));
  };
  for (
    const entry of [
      "*",
      "*.*.example.org",
      "a.*.org",
      "a b",
      "https://example.com",
      "example.com:0",
      "example.com:65536",
      "example.com:http",
      "example.com:",
      "[example.com]:80",
      "10.0.0.1/33",
      "10.0.0.256",
      "010.0.0.1",
      "1.2.3",
      "-a.test",
      "a..test",
      "é.test",
      `${"a".repeat(64)}.test`,
      `${"a.".repeat(130)}test`,
      "fd00::1%eth0",
      "[fd00::1",
    ]
  ) {
    const start = `^Cannot read annotation "krustlet.dev/allowed-hosts": "`;
    rejects({ [ALLOWED_HOSTS]: `good.test,${entry}` }, new RegExp(`${start}.* is none of host, `));
    rejects({ [ALLOWED_HOSTS]: JSON.stringify([entry]) }, new RegExp(start));
  }
  for (const text of ['["a.test", 1]', '["a.test"', '["a.test"] x']) {
    rejects({ [ALLOWED_HOSTS]: text }, /it is not a JSON array of strings$/);
  }
  const many = Array.from({ length: HOST_ENTRIES_MAX + 1 }, (_, at) => `h${at}.test`).join();
  rejects({ [ALLOWED_HOSTS]: many }, /it has 1001 entries, the most are 1000$/);
  for (const text of ["", "x", "{}", "null", '{"a":1}', "[1]", "https://example.com"]) {
    rejects({ [ALLOWED_DOMAINS]: text }, /allowed-domains": it is not a JSON array of strings$/);
  }
  for (
    const url of ["example.com", "example.com:80", "insecure:allow-all", "https://*.a.test", ""]
  ) {
    const why = /".*" is not a URL with a host, as https:\/\/example.com$/;
    rejects({ [ALLOWED_DOMAINS]: JSON.stringify([url]) }, why);
  }
});

Deno.test("AllowedHosts allows no name and no address that is not listed, whatever they are called", () => {
  const name = fc.domain();
  fc.assert(
    fc.property(fc.array(name, { maxLength: 5 }), name, fc.ipV4(), (listed, asked, ip) => {
      const hosts = limited(JSON.stringify(listed));
      hosts.learned(asked, [ip]);
      const isListed = listed.some((one) => one.toLowerCase() === asked.toLowerCase());
      assert.equal(hosts.mayResolve(asked), isListed);
      assert.equal(hosts.mayReach({ ip, port: 80 }), isListed);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (annotation, asked) => {
      try {
        limited(annotation).mayReach({ ip: asked, port: 80 });
      } catch (error) {
        assert.equal((error as Error).name, "KubeletError");
      }
    }),
    { numRuns: 2_000 },
  );
});
