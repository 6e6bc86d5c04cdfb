import assert from "node:assert/strict";
import { join } from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { TestCa } from "./_test_ca.ts";
import { nodeSubject } from "./csr.ts";
import { CertificateStore, clientFiles, type PairFiles, servingFiles } from "./store.ts";

const SUBJECT = nodeSubject("w");

/** A store in a folder of its own, two levels deep, none of which exists yet. */
class Place implements AsyncDisposable {
  readonly root = Deno.makeTempDirSync();
  readonly files: PairFiles = servingFiles(join(this.root, "data", "config"));
  readonly store = new CertificateStore(this.files);
  readonly pending = `${this.files.keyFile}.pending`;

  async accepted(notAfterMs?: number): Promise<string> {
    const ca = await TestCa.start();
    const key = await this.store.pendingKey();
    const options = { subject: SUBJECT, ...(notAfterMs === undefined ? {} : { notAfterMs }) };
    const pem = await ca.issue(key.publicKeySpki, options);
    await this.store.accept(pem);
    return pem;
  }

  async names(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(join(this.root, "data", "config")));
    return entries.map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

Deno.test("servingFiles() and clientFiles() lie side by side under Krustlet's names", () => {
  assert.equal(servingFiles("c").certificateFile, join("c", "krustlet.crt"));
  assert.equal(servingFiles("c").keyFile, join("c", "krustlet.key"));
  assert.equal(clientFiles("c").certificateFile, join("c", "krustlet-client.crt"));
  assert.equal(clientFiles("c").keyFile, join("c", "krustlet-client.key"));
});

Deno.test("load() finds the pair that accept() stored, and nothing else is left", async () => {
  await using place = new Place();
  assert.equal((await place.store.load()).kind, "absent");
  const certificatePem = await place.accepted();
  const stored = await new CertificateStore(place.files).load();
  assert.ok(stored.kind === "ready");
  assert.equal(stored.pair.certificatePem, certificatePem);
  assert.equal(stored.pair.keyPem, await Deno.readTextFile(place.files.keyFile));
  assert.deepEqual(await place.names(), ["krustlet.crt", "krustlet.key"]);
});

Deno.test({
  name: "files are 0600 and their new folders 0700",
  ignore: Deno.build.os === "windows", // modes do not exist there; privacyWarning() says so
  fn: async () => {
    await using place = new Place();
    await place.accepted();
    const mode = async (path: string): Promise<number> => (await Deno.stat(path)).mode! & 0o777;
    assert.equal(await mode(place.files.keyFile), 0o600);
    assert.equal(await mode(place.files.certificateFile), 0o600);
    assert.equal(await mode(join(place.root, "data", "config")), 0o700);
    assert.equal(await mode(join(place.root, "data")), 0o700);
  },
});

Deno.test("pendingKey() is the same key until it is accepted, then another", async () => {
  await using place = new Place();
  const key = await place.store.pendingKey();
  assert.equal((await new CertificateStore(place.files).pendingKey()).pem, key.pem);
  await place.accepted();
  assert.notEqual((await place.store.pendingKey()).pem, key.pem);
});

Deno.test("pendingKey() keeps a torn key aside and makes a new one", async () => {
  await using place = new Place();
  const { pem } = await place.store.pendingKey();
  await Deno.writeTextFile(place.pending, pem.slice(0, 90));
  const key = await place.store.pendingKey();
  assert.notEqual(key.pem, pem);
  assert.equal(await Deno.readTextFile(`${place.pending}.bad`), pem.slice(0, 90));
});

Deno.test("accept() refuses a certificate of another key", async () => {
  await using place = new Place();
  await using other = new Place();
  const certificatePem = await other.accepted();
  await place.store.pendingKey();
  await assert.rejects(place.store.accept(certificatePem), /does not fit key/);
  assert.deepEqual(await place.names(), ["krustlet.key.pending"]);
});

Deno.test("load() ends an acceptance that was cut short between its two files", async () => {
  await using place = new Place();
  const ca = await TestCa.start();
  await place.accepted(); // the first pair; the second one replaces it
  const key = await place.store.pendingKey();
  const certificatePem = await ca.issue(key.publicKeySpki, { subject: SUBJECT });
  await Deno.writeTextFile(place.files.certificateFile, certificatePem);
  const stored = await place.store.load();
  assert.ok(stored.kind === "ready");
  assert.equal(stored.pair.keyPem, key.pem);
  assert.deepEqual(await place.names(), ["krustlet.crt", "krustlet.key"]);
});

Deno.test("load() says that a certificate is expired, and leaves it in place", async () => {
  await using place = new Place();
  const notAfterMs = Date.UTC(2040, 0, 1);
  await place.accepted(notAfterMs);
  assert.equal((await place.store.load(notAfterMs)).kind, "ready");
  const stored = await place.store.load(notAfterMs + 1_000);
  assert.ok(stored.kind === "expired");
  assert.match(stored.why, /krustlet\.crt" is expired since 2040-01-01T00:00:01/);
  assert.deepEqual(await place.names(), ["krustlet.crt", "krustlet.key"]);
});

/** What may be wrong with a pair on disk, and the file that is named. */
const FAULTS: Record<string, [(files: PairFiles) => Promise<void>, RegExp]> = {
  "torn certificate": [
    ({ certificateFile }) => Deno.truncate(certificateFile, 200),
    /krustlet\.crt" cannot be read/,
  ],
  "empty certificate": [
    ({ certificateFile }) => Deno.truncate(certificateFile),
    /krustlet\.crt" cannot be read/,
  ],
  "torn key": [({ keyFile }) => Deno.truncate(keyFile, 100), /krustlet\.key" cannot be read/],
  "missing key": [({ keyFile }) => Deno.remove(keyFile), /has no key ".*krustlet\.key"/],
  "missing certificate": [
    ({ certificateFile }) => Deno.remove(certificateFile),
    /krustlet\.key" has no certificate/,
  ],
  "key of another pair": [
    ({ keyFile }) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return Deno.writeTextFile(
        keyFile,
        privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      );
    },
    /krustlet\.crt" does not fit key/,
  ],
};

for (const [fault, [spoil, message]] of Object.entries(FAULTS)) {
  Deno.test(`load() keeps a pair with a ${fault} aside, byte for byte`, async () => {
    await using place = new Place();
    await place.accepted();
    await spoil(place.files);
    const before = new Map<string, string>();
    for (const name of await place.names()) {
      before.set(name, await Deno.readTextFile(join(place.root, "data", "config", name)));
    }
    const stored = await place.store.load();
    assert.ok(stored.kind === "unusable", stored.kind);
    assert.match(stored.why, message);
    assert.deepEqual(await place.names(), [...before.keys()].map((name) => `${name}.bad`));
    for (const [name, text] of before) {
      const aside = join(place.root, "data", "config", `${name}.bad`);
      assert.equal(await Deno.readTextFile(aside), text);
    }
    assert.equal((await place.store.load()).kind, "absent");
  });
}

Deno.test("load() never overwrites what was kept aside before", async () => {
  await using place = new Place();
  for (const expected of ["krustlet.crt.bad", "krustlet.crt.bad.2", "krustlet.crt.bad.3"]) {
    await Deno.mkdir(join(place.root, "data", "config"), { recursive: true });
    await Deno.writeTextFile(place.files.certificateFile, expected);
    const stored = await place.store.load();
    assert.ok(stored.kind === "unusable");
    assert.ok(stored.aside[0]?.endsWith(expected));
  }
  assert.equal(await Deno.readTextFile(`${place.files.certificateFile}.bad`), "krustlet.crt.bad");
});

Deno.test("load() rejects, and moves nothing, when a file cannot be read at all", async () => {
  await using place = new Place();
  await Deno.mkdir(place.files.certificateFile, { recursive: true });
  await assert.rejects(place.store.load(), { name: "CertificateError", code: "invalid" });
  assert.deepEqual(await place.names(), ["krustlet.crt"]);
});

Deno.test("load() rejects a file that is too large to be a certificate", async () => {
  await using place = new Place();
  await place.accepted();
  await Deno.writeFile(place.files.certificateFile, new Uint8Array(1024 * 1024 + 1));
  await assert.rejects(place.store.load(), /larger than 1048576 bytes/);
});

Deno.test("load() takes a pair that openssl made: RSA, PKCS#1, any subject", async () => {
  await using place = new Place();
  const ca = await TestCa.start();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = new Uint8Array(rsa.publicKey.export({ type: "spki", format: "der" }));
  await Deno.mkdir(join(place.root, "data", "config"), { recursive: true });
  await Deno.writeTextFile(
    place.files.keyFile,
    rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
  );
  await Deno.writeTextFile(
    place.files.certificateFile,
    await ca.issue(spki, { subject: { commonName: "mine", organizations: [] } }),
  );
  assert.equal((await place.store.load()).kind, "ready");
});

Deno.test("a leftover of a crash beside the file does not stop the next write", async () => {
  await using place = new Place();
  await Deno.mkdir(join(place.root, "data", "config"), { recursive: true });
  await Deno.writeTextFile(`${place.pending}.tmp`, "half", { mode: 0o644 });
  const key = await place.store.pendingKey();
  assert.equal(await Deno.readTextFile(place.pending), key.pem);
  assert.deepEqual(await place.names(), ["krustlet.key.pending"]);
});

Deno.test("read() gives the pair and when it was written, and touches nothing that does not fit", async () => {
  await using place = new Place();
  assert.equal(await place.store.read(), undefined);
  const beforeMs = Date.now() - 2_000; // some filesystems count in seconds
  const certificatePem = await place.accepted(Date.now() - 1_000);
  const found = await place.store.read();
  assert.equal(found?.pair.certificatePem, certificatePem, "expired or not");
  assert.ok(found.writtenMs >= beforeMs && found.writtenMs <= Date.now() + 2_000);
  const other = await TestCa.start();
  const key = await place.store.pendingKey();
  const stranger = await other.issue(key.publicKeySpki, { subject: SUBJECT });
  for (const text of [stranger, "", certificatePem.slice(0, 100)]) {
    await Deno.writeTextFile(place.files.certificateFile, text);
    assert.equal(await place.store.read(), undefined);
  }
  assert.deepEqual(await place.names(), ["krustlet.crt", "krustlet.key", "krustlet.key.pending"]);
});

Deno.test("dropPending() makes the next key another one", async () => {
  await using place = new Place();
  const { pem } = await place.store.pendingKey();
  await place.store.dropPending();
  await place.store.dropPending();
  assert.notEqual((await place.store.pendingKey()).pem, pem);
});
