import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { TestCa } from "./_test_ca.ts";
import {
  hasSubject,
  isExpired,
  missingNames,
  publicKeyOf,
  readCertificate,
  sameBytes,
} from "./certificate.ts";
import { nodeSubject } from "./csr.ts";
import { generateKey } from "./keys.ts";

Deno.test("readCertificate() reads the first certificate of a chain", async () => {
  const ca = await TestCa.start();
  const key = await generateKey();
  const notBeforeMs = Date.UTC(2026, 0, 1);
  const notAfterMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const leaf = await ca.issue(key.publicKeySpki, {
    subject: nodeSubject("worker-1"),
    notBeforeMs,
    notAfterMs,
    dnsNames: ["Worker-1", "w.example"],
    ipAddresses: ["10.0.0.7", "fd00::7"],
  });
  const other = await ca.issue((await generateKey()).publicKeySpki, {
    subject: nodeSubject("other"),
  });
  const certificate = readCertificate(leaf + other);
  assert.deepEqual(certificate.subject, nodeSubject("worker-1"));
  assert.deepEqual(certificate.dnsNames, ["worker-1", "w.example"]);
  assert.deepEqual(certificate.ipAddresses, ["10.0.0.7", "fd00::7"]);
  assert.equal(certificate.notBeforeMs, notBeforeMs);
  assert.ok(sameBytes(certificate.publicKeySpki, key.publicKeySpki));
  assert.ok(!isExpired(certificate, notAfterMs));
  assert.ok(isExpired(certificate, notAfterMs + 1_000));
});

Deno.test("readCertificate() refuses what is torn, anywhere in the chain", async () => {
  const ca = await TestCa.start();
  const { publicKeySpki } = await generateKey();
  const pem = await ca.issue(publicKeySpki, { subject: nodeSubject("w") });
  const shortened = pem.replace(/\n.{64}\n/, "\n");
  for (const bad of ["", "junk", pem.slice(0, -30), shortened, pem + shortened]) {
    assert.throws(() => readCertificate(bad), { name: "SyntaxError", message: /^Cannot read / });
  }
});

Deno.test("hasSubject() wants the same common name and the same organizations", async () => {
  const ca = await TestCa.start();
  const { publicKeySpki } = await generateKey();
  const holder = { commonName: "system:node:w", organizations: ["system:nodes", "system:masters"] };
  const certificate = readCertificate(await ca.issue(publicKeySpki, { subject: holder }));
  assert.ok(hasSubject(certificate, holder));
  assert.ok(!hasSubject(certificate, nodeSubject("w")));
  assert.ok(!hasSubject(certificate, { ...holder, commonName: "system:node:x" }));
});

Deno.test("missingNames() compares names without case and addresses by value", async () => {
  const ca = await TestCa.start();
  const { publicKeySpki } = await generateKey();
  const certificate = readCertificate(
    await ca.issue(publicKeySpki, {
      subject: nodeSubject("w"),
      dnsNames: ["w"],
      ipAddresses: ["fd00::7"],
    }),
  );
  assert.deepEqual(missingNames(certificate, { dnsNames: ["W"], ipAddresses: ["FD00:0::7"] }), []);
  assert.deepEqual(
    missingNames(certificate, { dnsNames: ["x"], ipAddresses: ["10.0.0.7", "fd00::8"] }),
    ["x", "10.0.0.7", "fd00::8"],
  );
});

Deno.test("publicKeyOf() reads the forms that openssl writes", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const forms = [
    [ec, ec.privateKey.export({ type: "sec1", format: "pem" })],
    [ec, ec.privateKey.export({ type: "pkcs8", format: "pem" })],
    [rsa, rsa.privateKey.export({ type: "pkcs1", format: "pem" })],
    [rsa, rsa.privateKey.export({ type: "pkcs8", format: "pem" })],
  ] as const;
  for (const [pair, pem] of forms) {
    const spki = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
    assert.ok(sameBytes(publicKeyOf(pem.toString()), spki), pem.toString().slice(0, 30));
  }
  assert.throws(() => publicKeyOf("-----BEGIN PRIVATE KEY-----\n"), SyntaxError);
});
