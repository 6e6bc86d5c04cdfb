import assert from "node:assert/strict";
import { TestCa } from "./_test_ca.ts";
import { FakeCluster } from "./_test_cluster.ts";
import type { KeyPair } from "./certificate.ts";
import { nodeSubject } from "./csr.ts";
import { generateKey } from "./keys.ts";
import { NodeCertificates, type NodeCertificatesOptions } from "./node_certificates.ts";
import { CertificateStore, clientFiles, servingFiles } from "./store.ts";

const HOUR_MS = 3_600_000;
const NAMES = { dnsNames: ["w"], ipAddresses: ["10.0.0.7"] };

/** A node with both certificates on the machine's own clock, and a cluster that signs at once. */
class Bench implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly stores = {
    client: new CertificateStore(clientFiles(this.dir)),
    serving: new CertificateStore(servingFiles(this.dir)),
  };
  readonly cluster: FakeCluster;
  readonly taken: KeyPair[] = [];
  readonly served: string[] = [];
  readonly words: string[] = [];
  readonly stop = new AbortController();
  /** Called whenever something has happened. */
  onNews: () => void = () => {};
  bootstraps = 0;

  private constructor(ca: TestCa) {
    this.cluster = new FakeCluster(ca);
    this.cluster.onCreate = async (name) => {
      await this.cluster.issue(name, { subject: nodeSubject("w"), ...NAMES });
    };
  }

  static async start(): Promise<Bench> {
    return new Bench(await TestCa.start());
  }

  async pair(leftMs: number): Promise<KeyPair> {
    const key = await generateKey();
    const nowMs = Date.now();
    const certificatePem = await this.cluster.ca.issue(key.publicKeySpki, {
      subject: nodeSubject("w"),
      ...NAMES,
      notBeforeMs: nowMs - 100 * HOUR_MS,
      notAfterMs: nowMs + leftMs,
    });
    return { certificatePem, keyPem: key.pem };
  }

  /** What `open()` takes; the pairs are as if they had been obtained when they began. */
  options(pairs: { client: KeyPair; serving: KeyPair }): NodeCertificatesOptions {
    return {
      nodeName: "w",
      requests: () => this.#requests(),
      client: {
        pair: pairs.client,
        store: this.stores.client,
        asks: true,
        bootstrap: () => {
          this.bootstraps += 1;
          return Promise.resolve(this.#requests());
        },
        kubeconfig: () => Promise.resolve(pairs.client),
        take: (pair) => {
          this.taken.push(pair);
          this.onNews();
        },
      },
      serving: { pair: pairs.serving, store: this.stores.serving, asks: true, ...NAMES },
      notify: (line) => void this.words.push(line),
    };
  }

  run(certificates: NodeCertificates): Promise<void> {
    return certificates.run({
      serve: ({ certPem }) => {
        this.served.push(certPem);
        this.onNews();
      },
      tell: ({ message }) => void this.words.push(message),
      inform: (message) => void this.words.push(message),
    }, this.stop.signal);
  }

  #requests(): Pick<FakeCluster, "create" | "get"> {
    return {
      create: (request) => this.cluster.create(request),
      get: (name) => this.cluster.get(name),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("NodeCertificates renews both certificates, and says how long they live", async () => {
  await using bench = await Bench.start();
  const pairs = { client: await bench.pair(HOUR_MS), serving: await bench.pair(2 * HOUR_MS) };
  const certificates = await NodeCertificates.open(bench.options(pairs));
  const before = certificates.figures();
  assert.ok(Math.abs(before.clientTtlSeconds - 3_600) < 60, `${before.clientTtlSeconds}`);
  assert.ok(Math.abs(before.serverTtlSeconds - 7_200) < 60, `${before.serverTtlSeconds}`);
  bench.onNews = () => {
    if (bench.taken.length === 1 && bench.served.length === 1) bench.stop.abort();
  };
  await bench.run(certificates);
  const after = certificates.figures();
  assert.ok(after.clientTtlSeconds > 80_000 && after.serverTtlSeconds > 80_000, "a day each");
  assert.deepEqual([after.clientRenewErrors, after.serverRenewErrors], [0, 0]);
  assert.equal(
    (await bench.stores.client.read())?.pair.certificatePem,
    bench.taken[0]!.certificatePem,
  );
  assert.equal((await bench.stores.serving.read())?.pair.certificatePem, bench.served[0]);
  assert.equal(bench.bootstraps, 0, "the node asks as itself while it can");
  assert.ok(bench.words.some((line) => /^Another client certificate is used; /.test(line)));
});

Deno.test("NodeCertificates asks by the bootstrap token once the client certificate has ended", async () => {
  await using bench = await Bench.start();
  const pairs = { client: await bench.pair(-1_000), serving: await bench.pair(1_000 * HOUR_MS) };
  const certificates = await NodeCertificates.open(bench.options(pairs));
  assert.ok(certificates.figures().clientTtlSeconds < 0);
  bench.onNews = () => bench.stop.abort();
  await bench.run(certificates);
  assert.equal(bench.bootstraps, 1);
  assert.equal(bench.taken.length, 1);
});

Deno.test("NodeCertificates without a client certificate has an endless one to tell", async () => {
  await using bench = await Bench.start();
  const pairs = { client: await bench.pair(HOUR_MS), serving: await bench.pair(HOUR_MS) };
  const { client: _, ...options } = bench.options(pairs);
  const certificates = await NodeCertificates.open(options);
  assert.equal(certificates.figures().clientTtlSeconds, Infinity);
});

Deno.test("NodeCertificates takes over what the kubeconfig names by now", async () => {
  await using bench = await Bench.start();
  const pairs = { client: await bench.pair(HOUR_MS), serving: await bench.pair(1_000 * HOUR_MS) };
  const options = bench.options(pairs);
  const next = await bench.pair(1_000 * HOUR_MS);
  const certificates = await NodeCertificates.open({
    ...options,
    client: { ...options.client!, kubeconfig: () => Promise.resolve(next) },
  });
  bench.onNews = () => bench.stop.abort();
  await bench.run(certificates);
  assert.deepEqual(bench.taken, [next]);
  assert.equal(bench.cluster.objects.size, 0);
});

/** A store that tells when it has been read so often; what follows at once has then been done. */
class CountingStore extends CertificateStore {
  readonly #left = Promise.withResolvers<void>();
  #reads = 0;

  override async read(): ReturnType<CertificateStore["read"]> {
    const found = await super.read();
    if (++this.#reads === 2) setTimeout(() => this.#left.resolve(), 0);
    return found;
  }

  get readTwice(): Promise<void> {
    return this.#left.promise;
  }
}

for (const [written, asks] of [[true, false], [false, true]] as const) {
  Deno.test(
    `NodeCertificates ${asks ? "counts" : "does not count"} the time before a pair was ${
      asks ? "issued" : "stored"
    }`,
    async () => {
      await using bench = await Bench.start();
      // 95 % of its life are over, but none of it since it was stored.
      const serving = await bench.pair(5 * HOUR_MS);
      const store = new CountingStore(servingFiles(bench.dir));
      if (written) {
        await Deno.writeTextFile(store.files.certificateFile, serving.certificatePem);
        await Deno.writeTextFile(store.files.keyFile, serving.keyPem);
      }
      const { client: _, ...options } = bench.options({ client: serving, serving });
      let asked = false;
      const certificates = await NodeCertificates.open({
        ...options,
        requests: () => {
          asked = true;
          throw new Error("not now");
        },
        serving: { ...options.serving, store },
      });
      const running = bench.run(certificates);
      await store.readTwice;
      bench.stop.abort();
      await running;
      assert.equal(asked, asks);
    },
  );
}
