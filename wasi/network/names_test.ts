import assert from "node:assert/strict";
import { formatIp } from "./ip.ts";
import { hostsAddresses, type NameQuestion, resolveName } from "./names.ts";

const QUESTION: NameQuestion = {
  name: "db.example",
  service: "5432",
  passive: false,
  numeric: false,
  families: ["ipv4", "ipv6"],
};

/** The answers as text. What is looked up has two addresses. */
function resolve(more: Partial<NameQuestion>): string {
  const found = resolveName({ ...QUESTION, ...more }, () => ["fd00::5", "10.0.0.5"]);
  assert.ok(!(found instanceof Promise));
  if (typeof found === "string") return `no ${found}`;
  return found.map(({ ip, port }) => `${formatIp(ip)} ${port}`).join(", ");
}

Deno.test("resolveName() looks names up, IPv4 first", () => {
  assert.equal(resolve({}), "10.0.0.5 5432, fd00::5 5432");
  assert.equal(resolve({ families: ["ipv6"] }), "fd00::5 5432");
  assert.equal(resolve({ numeric: true }), "");
  assert.throws(() => resolveName(QUESTION, () => ["db.example"]), TypeError);
});

Deno.test("resolveName() waits for a look-up that takes its time", async () => {
  const found = resolveName(QUESTION, () => Promise.resolve(["10.0.0.5"]));
  assert.deepEqual(await found, [{ ip: Uint8Array.of(10, 0, 0, 5), port: 5_432 }]);
  await assert.rejects(
    async () => await resolveName(QUESTION, () => Promise.resolve(["db.example"])),
    TypeError,
  );
});

Deno.test("resolveName() knows addresses, this machine and services", () => {
  assert.equal(resolve({ name: "10.1.1.1" }), "10.1.1.1 5432");
  assert.equal(resolve({ name: "::1", families: ["ipv4"] }), "");
  assert.equal(resolve({ name: "LocalHost" }), "127.0.0.1 5432, ::1 5432");
  assert.equal(resolve({ name: "", passive: true, service: "http" }), "0.0.0.0 80, :: 80");
  assert.equal(resolve({ name: "", families: ["ipv4"] }), "127.0.0.1 5432");
  assert.equal(resolve({ service: "" }), "10.0.0.5 0, fd00::5 0");
  for (const service of ["65536", "gopher", "-1", "toString"]) {
    assert.equal(resolve({ service }), "no service", service);
  }
});

Deno.test("hostsAddresses() reads the form of /etc/hosts", () => {
  const hosts = "# nobody.example\n127.0.0.1 localhost\n10.0.0.5\tDB.example db # 10.0.0.6 old\n" +
    "fd00::5 db\nnonsense db\n";
  assert.deepEqual(hostsAddresses(hosts, "db"), ["10.0.0.5", "fd00::5"]);
  assert.deepEqual(hostsAddresses(hosts, "db.example."), ["10.0.0.5"]);
  assert.deepEqual(hostsAddresses(hosts, "old"), []);
  assert.deepEqual(hostsAddresses(hosts, "nobody.example"), []);
});
