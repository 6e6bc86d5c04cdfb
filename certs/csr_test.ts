import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { createCsr, csrPublicKey, nodeSubject } from "./csr.ts";
import { loadDer, unsignedInteger } from "./der.ts";
import { generateKey } from "./keys.ts";
import { decodePem } from "./pem.ts";

Deno.test("createCsr() signs what it asks for with the key", async () => {
  const key = await generateKey();
  const der = await loadDer();
  // Each signature is random: its integers are shorter, or padded, in one of some tries.
  for (let i = 0; i < 50; i++) {
    const pem = await createCsr({ key, subject: nodeSubject("worker-1"), dnsNames: ["worker-1"] });
    const request = der.parse(decodePem(pem)[0]!.der);
    const info = der.bytes(der.child(request, 0)!);
    const bits = der.bytes(der.child(request, 2)!);
    const headerLength = 3; // tag, length below 128, unused bits
    const publicKey = createPublicKey({
      key: Buffer.from(key.publicKeySpki),
      format: "der",
      type: "spki",
    });
    assert.ok(verify("sha256", info, publicKey, bits.subarray(headerLength)), pem);
  }
});

Deno.test("createCsr() writes exactly the PKCS#10 of a node with its names", async () => {
  const key = await generateKey();
  const pem = await createCsr({
    key,
    subject: nodeSubject("w"),
    dnsNames: ["W.Example"],
    ipAddresses: ["10.0.0.7", "fd00::7"],
  });
  const der = await loadDer();
  const info = der.child(der.parse(decodePem(pem)[0]!.der), 0)!;
  const text = (words: string): string => new TextEncoder().encode(words).toHex();
  assert.deepEqual(
    [0, 1, 3].map((index) => der.bytes(der.child(info, index)!).toHex()),
    [
      "020100",
      // Name: O (2.5.4.10), then CN (2.5.4.3), each a UTF8String in a set of its own
      "302f" + "31153013060355040a0c0c" + text("system:nodes") +
      "3116301406035504030c0d" + text("system:node:w"),
      // [0] attributes: extensionRequest with subjectAltName: DNS [2], IP [7], IP [7]
      "a03f303d06092a864886f70d01090e" + "3130302e302c" + "0603551d11" + "04253023" +
      "8209" + text("w.example") + "87040a000007" + "8710fd00" + "00".repeat(13) + "07",
    ],
  );
});

Deno.test("createCsr() writes empty attributes when there are no names", async () => {
  const key = await generateKey();
  const pem = await createCsr({ key, subject: nodeSubject("w") });
  const der = await loadDer();
  const info = der.child(der.parse(decodePem(pem)[0]!.der), 0)!;
  assert.equal(der.bytes(der.child(info, 3)!).toHex(), "a000");
});

Deno.test("createCsr() refuses names and addresses that are none", async () => {
  const key = await generateKey();
  const subject = nodeSubject("w");
  for (const name of ["", "a b", "-a", "a..b", "a_b", "x".repeat(254), "a\nb"]) {
    await assert.rejects(
      createCsr({ key, subject, dnsNames: [name] }),
      { name: "CertificateError", code: "invalid" },
      name,
    );
  }
  await assert.rejects(createCsr({ key, subject, ipAddresses: ["10.0.0"] }), /"10.0.0"/);
});

Deno.test("csrPublicKey() finds the key, also one whose bytes look like DER themselves", async () => {
  const key = await generateKey();
  const pem = await createCsr({ key, subject: nodeSubject("w") });
  assert.deepEqual(await csrPublicKey(pem), key.publicKeySpki);
  // 04 3f and 63 bytes more: the point of a key, or an octet string of 63 bytes?
  const lookalike = key.publicKeySpki.slice();
  lookalike[27] = 0x3f;
  const disguised = await createCsr({
    key: { ...key, publicKeySpki: lookalike },
    subject: nodeSubject("w"),
  });
  assert.deepEqual(await csrPublicKey(disguised), lookalike);
});

Deno.test("csrPublicKey() answers undefined to anything else", async () => {
  const certificate =
    "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----";
  for (const text of ["", "junk", "-----BEGIN CERTIFICATE REQUEST-----", certificate]) {
    assert.equal(await csrPublicKey(text), undefined);
  }
});

Deno.test("unsignedInteger() keeps the number, positive and as short as can be", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 33 }), (bytes) => {
    const written = unsignedInteger(bytes);
    assert.equal(BigInt(`0x${written.toHex()}`), BigInt(`0x${bytes.toHex()}`));
    assert.ok(written[0]! < 0x80);
    assert.ok(written.length === 1 || written[0] !== 0 || written[1]! >= 0x80);
  }));
});
