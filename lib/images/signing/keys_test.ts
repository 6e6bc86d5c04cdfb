import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { KEY_KINDS, Signer } from "./_signer.ts";
import { parsePublicKey, rawEcdsa } from "./keys.ts";

const bytes = new TextEncoder().encode("payload");

for (const kind of KEY_KINDS) {
  Deno.test(`parsePublicKey() reads a ${kind} key, which knows its own signatures only`, async () => {
    const [signer, other] = [new Signer(kind), new Signer(kind)];
    const key = await parsePublicKey(signer.publicPem);
    const decode = (text: string) => Uint8Array.fromBase64(text);
    // ECDSA's numbers are now and then short or begin with a zero.
    for (let i = 0; i < 20; i++) {
      assert.equal(await key.verifies(bytes, decode(signer.sign(bytes))), true);
    }
    assert.equal(await key.verifies(bytes, decode(other.sign(bytes))), false);
    assert.equal(await key.verifies(bytes.slice(1), decode(signer.sign(bytes))), false);
    assert.equal(await key.verifies(bytes, new Uint8Array()), false);
    assert.match(key.id, /^[0-9a-f]{64}$/);
    assert.notEqual(key.id, (await parsePublicKey(other.publicPem)).id);
  });
}

Deno.test("parsePublicKey() refuses what is no key, and keys that are too weak", async () => {
  const pem = (options: { modulusLength: number }): string =>
    generateKeyPairSync("rsa", options).publicKey.export({ type: "spki", format: "pem" })
      .toString();
  await assert.rejects(parsePublicKey("hello"), { message: /no public key in PEM/ });
  await assert.rejects(parsePublicKey(pem({ modulusLength: 1024 })), { message: /1024 bits/ });
  const x25519 = generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" });
  await assert.rejects(parsePublicKey(x25519.toString()), { message: /neither an ECDSA/ });
});

Deno.test("rawEcdsa() takes one form of each signature only", () => {
  const der = (...parts: number[][]): Uint8Array =>
    Uint8Array.of(0x30, parts.flat().length, ...parts.flat());
  const number = (...digits: number[]): number[] => [0x02, digits.length, ...digits];
  const good = der(number(1), number(0, 0x80));
  assert.deepEqual([...rawEcdsa(good, 2)!], [0, 1, 0, 0x80]);
  const bad = [
    Uint8Array.of(),
    Uint8Array.of(...good, 0),
    good.subarray(0, -1),
    der(number(1)),
    der(number(1), number(1), number(1)),
    der(number(), number(1)),
    der(number(0, 1), number(1)),
    der(number(0x80), number(1)),
    der(number(1, 2, 3), number(1)),
    Uint8Array.of(0x30, 0x81, 6, ...number(1), ...number(1)),
  ];
  for (const bytes of bad) assert.equal(rawEcdsa(bytes, 2), undefined, `${bytes}`);
});

Deno.test("rawEcdsa() gives two numbers or nothing, whatever it gets", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const raw = rawEcdsa(Uint8Array.of(0x30, ...bytes), 32);
    assert.ok(raw === undefined || raw.length === 64);
  }));
});
