import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../errors.ts";
import { makeCertificates, TestDir } from "./oci/_test_registry.ts";
import { loadRegistries, type RegistrySettings } from "./registry_files.ts";

const NONE: RegistrySettings = {
  insecureRegistries: [],
  registryMirrors: {},
  registryCas: {},
  registryClientCerts: {},
};

Deno.test("loadRegistries() reads authorities, and a certificate with its key from one file", async () => {
  await using dir = new TestDir();
  const { ca, cert, key } = makeCertificates();
  const [caFile, own] = [join(dir.path, "ca.pem"), join(dir.path, "own.pem")];
  await Deno.writeTextFile(caFile, `a note\n${ca}`);
  await Deno.writeTextFile(own, `${key}\n${cert}`);
  const { trust, ...rest } = await loadRegistries({
    insecureRegistries: ["a"],
    registryMirrors: { b: ["https://m"] },
    registryCas: { c: [caFile, caFile] },
    registryClientCerts: { d: [caFile, own] },
  });
  assert.deepEqual(rest, { insecure: ["a"], mirrors: { b: ["https://m"] } });
  assert.deepEqual(trust.authorities, { c: [`a note\n${ca}`, `a note\n${ca}`] });
  const { certPem, keyPem } = trust.clientCertificates!["d"]!;
  assert.deepEqual(
    [certPem, keyPem].map((pem) => pem.replaceAll(/\s/g, "")),
    [cert, key].map((pem) => pem.replaceAll(/\s/g, "")),
  );
});

Deno.test("loadRegistries() names the option and the file that cannot be used", async () => {
  await using dir = new TestDir();
  const file = join(dir.path, "x.pem");
  await Deno.writeTextFile(file, makeCertificates().ca.replaceAll("CERTIFICATE", "NOTHING"));
  const missing = join(dir.path, "missing");
  const wrong: readonly (readonly [Partial<RegistrySettings>, string])[] = [
    [{ registryCas: { r: [file] } }, `Cannot use --registry-ca r="${file}": it holds no cert`],
    [{ registryCas: { r: [missing] } }, `Cannot read --registry-ca r="${missing}": `],
    [{ registryClientCerts: { r: [file] } }, `Cannot use --registry-client-cert r="${file}": `],
  ];
  for (const [settings, message] of wrong) {
    await assert.rejects(
      loadRegistries({ ...NONE, ...settings }),
      (error) => isKubeletError(error, "invalid") && error.message.startsWith(message),
    );
  }
});
