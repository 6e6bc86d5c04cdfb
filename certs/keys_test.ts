import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { publicKeyOf, sameBytes } from "./certificate.ts";
import { generateKey, readKey } from "./keys.ts";

Deno.test("readKey() gives back the key that generateKey() made", async () => {
  const key = await generateKey();
  const again = await readKey(key.pem);
  assert.equal(again.pem, key.pem);
  assert.deepEqual(again.publicKeySpki, key.publicKeySpki);
  assert.ok(sameBytes(publicKeyOf(key.pem), key.publicKeySpki), "node:crypto agrees");
});

Deno.test("generateKey() never makes the same key twice", async () => {
  const [one, other] = await Promise.all([generateKey(), generateKey()]);
  assert.notEqual(one.pem, other.pem);
});

Deno.test("readKey() refuses torn keys and other kinds, and shows no secret", async () => {
  const { pem } = await generateKey();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
    .export({ type: "pkcs8", format: "pem" }).toString();
  for (const bad of ["", "junk", pem.slice(0, 100), pem.replace(/\n.{30}/, "\n"), rsa]) {
    await assert.rejects(readKey(bad), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, /^Cannot read /);
      assert.ok(!error.message.includes(bad.slice(30, 60) || "\0"));
      return true;
    });
  }
});
