import assert from "node:assert/strict";
import { TestCa } from "./_test_ca.ts";
import { FakeClock, FakeCluster, HttpError } from "./_test_cluster.ts";
import { obtainCertificate } from "./bootstrap.ts";
import { readCertificate } from "./certificate.ts";
import { nodeSubject } from "./csr.ts";
import { fromBase64 } from "./csr_request.ts";
import { CertificateError, type CertificateErrorCode } from "./errors.ts";
import { generateKey } from "./keys.ts";
import type { RequestOptions } from "./request.ts";
import { CertificateStore, servingFiles } from "./store.ts";

const MINUTE_MS = 60_000;
const NAMES = { dnsNames: ["worker-1"], ipAddresses: ["10.0.0.7", "fd00::7"] };
const ISSUED = { subject: nodeSubject("worker-1"), ...NAMES };

/** A node's disk and its cluster; `obtain()` is one start of the agent. */
class Bench implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly cluster: FakeCluster;

  private constructor(cluster: FakeCluster) {
    this.cluster = cluster;
  }

  static async start(): Promise<Bench> {
    return new Bench(new FakeCluster(await TestCa.start()));
  }

  get store(): CertificateStore {
    return new CertificateStore(servingFiles(this.dir));
  }

  obtain(options: Partial<RequestOptions> = {}): ReturnType<typeof obtainCertificate> {
    return obtainCertificate({
      requests: this.cluster,
      kind: "serving",
      nodeName: "worker-1",
      ...NAMES,
      store: this.store,
      signal: new AbortController().signal,
      clock: this.clock,
      notify: (line) => this.lines.push(line),
      ...options,
    });
  }

  /** The error of a start that must fail. */
  async error(options: Partial<RequestOptions> = {}): Promise<CertificateError> {
    const error = await this.obtain(options).then(() => undefined, (reason: unknown) => reason);
    assert.ok(error instanceof CertificateError, String(error));
    return error;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.dir, { recursive: true });
  }
}

const approve = (bench: Bench, atMs: number): void =>
  bench.clock.at(atMs, () => bench.cluster.issue(bench.cluster.only.metadata.name, ISSUED));

Deno.test("obtainCertificate() asks, tells the operator what to run, and stores the pair", async () => {
  await using bench = await Bench.start();
  approve(bench, MINUTE_MS);
  const pair = await bench.obtain();
  const { metadata: { name }, spec } = bench.cluster.only;
  assert.match(name, /^worker-1-tls-[0-9a-f]{10}$/);
  assert.equal(spec.signerName, "kubernetes.io/kubelet-serving");
  assert.deepEqual(spec.usages, ["digital signature", "server auth"]);
  assert.deepEqual(bench.lines, [
    "BOOTSTRAP: TLS certificate requires manual approval. " +
    `Run kubectl certificate approve ${name}`,
    "BOOTSTRAP: received TLS certificate approval: continuing",
  ]);
  const stored = await bench.store.load();
  assert.ok(stored.kind === "ready");
  assert.deepEqual(stored.pair, pair);
  assert.deepEqual(readCertificate(pair.certificatePem).ipAddresses, NAMES.ipAddresses);
});

Deno.test("obtainCertificate() asks for a client certificate as a kubelet does, silently", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = (name) =>
    bench.clock.at(300, () => bench.cluster.issue(name, { subject: ISSUED.subject }));
  await bench.obtain({ kind: "client", dnsNames: [], ipAddresses: [] });
  const { metadata, spec } = bench.cluster.only;
  assert.match(metadata.name, /^node-csr-[0-9a-f]{64}$/);
  assert.equal(spec.signerName, "kubernetes.io/kube-apiserver-client-kubelet");
  assert.deepEqual(spec.usages, ["digital signature", "client auth"]);
  assert.deepEqual(bench.lines, []);
});

Deno.test("obtainCertificate() tells of a client request that no controller approves", async () => {
  await using bench = await Bench.start();
  bench.clock.at(
    MINUTE_MS,
    () => bench.cluster.issue(bench.cluster.only.metadata.name, { subject: ISSUED.subject }),
  );
  await bench.obtain({ kind: "client", dnsNames: [], ipAddresses: [] });
  assert.deepEqual(bench.lines, [
    "BOOTSTRAP: client certificate is not approved yet. " +
    `Run kubectl certificate approve ${bench.cluster.only.metadata.name}`,
    "BOOTSTRAP: received client certificate approval: continuing",
  ]);
});

Deno.test("obtainCertificate() has the key on disk before it asks", async () => {
  await using bench = await Bench.start();
  let onDisk = "";
  bench.cluster.onCreate = async (name) => {
    onDisk = await Deno.readTextFile(`${servingFiles(bench.dir).keyFile}.pending`);
    await bench.cluster.issue(name, ISSUED);
  };
  assert.equal((await bench.obtain()).keyPem, onDisk);
});

Deno.test("a restart before the approval finds its own request, and its key fits", async () => {
  await using bench = await Bench.start();
  const killed = new AbortController();
  bench.clock.at(MINUTE_MS, () => killed.abort(new Error("killed")));
  await assert.rejects(bench.obtain({ signal: killed.signal }), /killed/);
  const asked = bench.cluster.only;
  await bench.cluster.issue(asked.metadata.name, ISSUED);
  const pending = await bench.store.pendingKey();
  const pair = await bench.obtain();
  assert.equal(bench.cluster.only, await bench.cluster.get(asked.metadata.name), "one request");
  assert.equal(pair.keyPem, pending.pem);
  assert.equal((await bench.store.load()).kind, "ready");
});

Deno.test("a restart with a good pair on disk asks nobody", async () => {
  await using bench = await Bench.start();
  approve(bench, 0);
  const pair = await bench.obtain();
  bench.cluster.calls.length = 0;
  assert.deepEqual(await bench.obtain(), pair);
  assert.deepEqual(bench.cluster.calls, []);
});

Deno.test("a node whose address changed asks again; the old pair stays until then", async () => {
  await using bench = await Bench.start();
  approve(bench, 0);
  const old = await bench.obtain();
  bench.cluster.objects.clear();
  const moved = { ipAddresses: ["10.0.0.8"] };
  bench.cluster.onCreate = async (name) => {
    const stored = await bench.store.load();
    assert.ok(stored.kind === "ready" && stored.pair.keyPem === old.keyPem);
    await bench.cluster.issue(name, { ...ISSUED, ...moved });
  };
  const pair = await bench.obtain(moved);
  assert.notEqual(pair.keyPem, old.keyPem);
  assert.ok(bench.lines.some((line) => line.includes('lacks "10.0.0.8"')), bench.lines.join());
});

Deno.test("a renamed node asks again", async () => {
  await using bench = await Bench.start();
  approve(bench, 0);
  await bench.obtain();
  bench.cluster.objects.clear();
  bench.cluster.onCreate = (name) =>
    bench.cluster.issue(name, { ...ISSUED, subject: nodeSubject("worker-2") });
  const pair = await bench.obtain({ nodeName: "worker-2" });
  assert.equal(
    readCertificate(pair.certificatePem).subject.commonName,
    "system:node:worker-2",
  );
});

Deno.test("a pair that a person made is used as it is, whatever its names", async () => {
  await using bench = await Bench.start();
  const key = await bench.store.pendingKey();
  const subject = { commonName: "krustlet.example", organizations: ["ours"] };
  const pem = await bench.cluster.ca.issue(key.publicKeySpki, { subject });
  await bench.store.accept(pem);
  assert.equal((await bench.obtain()).certificatePem, pem);
  assert.deepEqual(bench.cluster.calls, []);
});

Deno.test("an expired pair and a torn pair are told of and replaced", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = (name) =>
    bench.cluster.issue(name, { ...ISSUED, notAfterMs: bench.clock.nowMs() + MINUTE_MS });
  await bench.obtain();
  await bench.clock.sleep(2 * MINUTE_MS, new AbortController().signal);
  await bench.obtain();
  assert.ok(bench.lines.some((line) => /krustlet\.crt" is expired since/.test(line)));
  await Deno.truncate(servingFiles(bench.dir).certificateFile, 100);
  await bench.obtain();
  assert.ok(bench.lines.some((line) => /krustlet\.crt" cannot be read; kept as/.test(line)));
  assert.equal(bench.cluster.objects.size, 3);
});

/** What ends the wait at once: who says what, and the words of the error. */
const REFUSALS: Record<string, [type: string, code: CertificateErrorCode, words: RegExp]> = {
  "who denied it and why": ["Denied", "denied", /was denied \(ByPolicy: not this node\)/],
  "why the signer failed": [
    "Failed",
    "failed",
    /signer "kubernetes.io\/kubelet-serving" failed \(ByPolicy: not this node\)/,
  ],
};

for (const [promise, [type, code, words]] of Object.entries(REFUSALS)) {
  Deno.test(`obtainCertificate() says ${promise}, and after a restart again`, async () => {
    await using bench = await Bench.start();
    bench.clock.at(MINUTE_MS, () => {
      const condition = { type, status: "True", reason: "ByPolicy", message: "not this node" };
      bench.cluster.say(bench.cluster.only.metadata.name, condition);
    });
    for (const error of [await bench.error(), await bench.error()]) {
      assert.equal(error.code, code);
      assert.match(error.message, words);
      assert.match(error.message, /run "kubectl delete csr worker-1-tls-[0-9a-f]{10}"/);
    }
    assert.ok(bench.clock.passedMs < 2 * MINUTE_MS);
  });
}

Deno.test("a request that belongs to another key is passed over, and never accepted", async () => {
  await using bench = await Bench.start();
  await using other = await Bench.start();
  approve(other, 0);
  await other.obtain();
  const key = await bench.store.pendingKey();
  bench.cluster.failures.push(new Error("connection refused"));
  bench.clock.at(100, () => { // first name is known by now; another's request takes it
    const name = bench.cluster.calls[0]!.replace("create ", "");
    bench.cluster.objects.set(name, { ...other.cluster.only, metadata: { name } });
  });
  bench.cluster.onCreate = (name) => bench.cluster.issue(name, ISSUED);
  const pair = await bench.obtain();
  assert.equal(pair.keyPem, key.pem);
  const [taken, ours] = [...bench.cluster.objects.keys()];
  assert.equal(ours, `${taken}-2`);
});

Deno.test("a request for another signer or other usages is not ours either", async () => {
  for (const change of [{ signerName: "example.com/x" }, { usages: ["any"] }]) {
    await using bench = await Bench.start();
    bench.clock.at(MINUTE_MS, () => {
      const { metadata, spec } = bench.cluster.only;
      bench.cluster.objects.set(metadata.name, { metadata, spec: { ...spec, ...change } });
      bench.cluster.onCreate = (name) => bench.cluster.issue(name, ISSUED);
    });
    await bench.obtain();
    assert.equal(bench.cluster.objects.size, 2);
  }
});

Deno.test("obtainCertificate() gives up when every name is taken", async () => {
  await using bench = await Bench.start();
  const foreign = { request: "bm8=", signerName: "kubernetes.io/kubelet-serving", usages: [] };
  bench.cluster.get = (name) => Promise.resolve({ metadata: { name }, spec: foreign });
  bench.cluster.create = () => Promise.reject(new HttpError(409));
  const error = await bench.error();
  assert.equal(error.code, "refused");
  assert.match(error.message, /and 4 more of that name belong to others/);
});

Deno.test("a request of an earlier life whose certificate is over is passed over", async () => {
  await using bench = await Bench.start();
  const killed = new AbortController();
  bench.clock.at(MINUTE_MS, () => killed.abort(new Error("killed")));
  await assert.rejects(bench.obtain({ signal: killed.signal }), /killed/);
  const { name } = bench.cluster.only.metadata;
  await bench.cluster.issue(name, { ...ISSUED, notAfterMs: bench.clock.nowMs() - MINUTE_MS });
  bench.cluster.onCreate = (other) => bench.cluster.issue(other, ISSUED);
  await bench.obtain();
  assert.deepEqual([...bench.cluster.objects.keys()], [name, `${name}-2`]);
});

Deno.test("a request that is deleted is made again, with the same name and key", async () => {
  await using bench = await Bench.start();
  let first = "";
  bench.clock.at(MINUTE_MS, () => {
    first = bench.cluster.only.metadata.name;
    bench.cluster.objects.clear();
  });
  approve(bench, 3 * MINUTE_MS);
  const key = await bench.store.pendingKey();
  assert.equal((await bench.obtain()).keyPem, key.pem);
  assert.equal(bench.cluster.only.metadata.name, first);
  assert.ok(
    bench.lines.includes(`BOOTSTRAP: certificate request ${first} was deleted: asking again`),
  );
  const asked = bench.lines.filter((line) => line.includes("requires manual approval"));
  assert.equal(asked.length, 2, "the operator is told again");
});

Deno.test("an API server that is away, busy or starting is asked until it answers", async () => {
  await using bench = await Bench.start();
  bench.cluster.failures.push(
    new TypeError("connection refused"),
    new HttpError(503),
    new HttpError(429),
    undefined, // the request is made
    new HttpError(500),
    new TypeError("connection reset"),
  );
  approve(bench, MINUTE_MS);
  await bench.obtain();
  assert.equal(bench.cluster.objects.size, 1);
  const away = bench.lines.filter((line) => line.includes("cannot reach the API server"));
  assert.deepEqual(away, [
    "BOOTSTRAP: cannot reach the API server, trying again: connection refused",
    "BOOTSTRAP: cannot reach the API server, trying again: HTTP 500",
  ]);
});

Deno.test("a request that was made though its answer was lost is found", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = async (name) => {
    await bench.cluster.issue(name, ISSUED);
    throw new TypeError("connection reset");
  };
  await bench.obtain();
  assert.equal(bench.cluster.objects.size, 1);
});

Deno.test("obtainCertificate() says what to run when nobody approves in time", async () => {
  await using bench = await Bench.start();
  const error = await bench.error({ timeoutMs: 10 * MINUTE_MS });
  const { name } = bench.cluster.only.metadata;
  assert.equal(error.code, "timeout");
  assert.match(error.message, /within 600 s: nobody approved it/);
  assert.ok(error.message.includes(`run "kubectl certificate approve ${name}"`), error.message);
  assert.equal(bench.clock.passedMs, 10 * MINUTE_MS);
  assert.ok(bench.cluster.calls.length < 100, `${bench.cluster.calls.length} calls`);
});

Deno.test("obtainCertificate() waits as long as it should though the clock is set meanwhile", async () => {
  for (const jumpMs of [60 * MINUTE_MS, -60 * MINUTE_MS]) {
    await using bench = await Bench.start();
    bench.clock.at(MINUTE_MS, () => bench.clock.jump(jumpMs));
    const error = await bench.error({ timeoutMs: 10 * MINUTE_MS });
    assert.match(error.message, /within 600 s: nobody approved it/);
    assert.equal(bench.clock.passedMs, 10 * MINUTE_MS);
  }
});

Deno.test("obtainCertificate() says that the signer sleeps when an approval brings nothing", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = (name) => bench.cluster.say(name, { type: "Approved" });
  const error = await bench.error({ timeoutMs: MINUTE_MS });
  assert.match(error.message, /it is approved, but signer .* issued nothing/);
  assert.ok(!bench.lines.some((line) => line.includes("requires manual approval")));
});

Deno.test("obtainCertificate() says that the API server was away all the time", async () => {
  await using bench = await Bench.start();
  bench.cluster.create = () => Promise.reject(new TypeError("connection refused"));
  const error = await bench.error({ timeoutMs: MINUTE_MS });
  assert.equal(error.code, "timeout");
  assert.match(error.message, /the API server is away \(connection refused\)/);
});

/** What ends the wait at once: the answer, the kind of request, and the words of the error. */
const ENDS: [number, "client" | "serving", CertificateErrorCode, RegExp][] = [
  [401, "client", "unauthorized", /bootstrap token is expired or unknown.*"krustlet bootstrap"/],
  [401, "serving", "unauthorized", /does not accept this node's credentials/],
  [403, "client", "forbidden", /run "krustlet bootstrap" as an administrator, which grants it/],
  [403, "serving", "forbidden", /only user "system:node:worker-1" of group "system:nodes"/],
  [422, "serving", "refused", /the API server answered 422: HTTP 422/],
];

for (const [status, kind, code, words] of ENDS) {
  Deno.test(`${status} to a ${kind} request ends at once and says what to do`, async () => {
    await using bench = await Bench.start();
    bench.cluster.failures.push(new HttpError(status));
    const error = await bench.error({ kind });
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.equal(bench.cluster.calls.length, 1);
    assert.equal(bench.clock.passedMs, 0);
  });
}

Deno.test("a token that expires while the request waits ends the wait", async () => {
  await using bench = await Bench.start();
  bench.clock.at(MINUTE_MS, () => {
    bench.cluster.failures.push(new HttpError(401));
  });
  assert.equal((await bench.error({ kind: "client" })).code, "unauthorized");
});

Deno.test("a certificate that is not what was asked for is not accepted", async () => {
  const otherKey = await generateKey();
  const faults: [RegExp, (bench: Bench, name: string) => void | Promise<void>][] = [
    [
      /it is for another key/,
      async ({ cluster }, name) =>
        cluster.sign(name, await cluster.ca.issue(otherKey.publicKeySpki, ISSUED)),
    ],
    [
      /it is for "system:node:other", not node "worker-1"/,
      ({ cluster }, name) => cluster.issue(name, { ...ISSUED, subject: nodeSubject("other") }),
    ],
    [
      /it lacks "worker-1", "10.0.0.7", "fd00::7"/,
      ({ cluster }, name) => cluster.issue(name, { subject: ISSUED.subject }),
    ],
    [
      /it is expired since .*; check the clock/,
      ({ cluster }, name) => cluster.issue(name, { ...ISSUED, notAfterMs: Date.now() - MINUTE_MS }),
    ],
    [/Cannot read certificate of request/, ({ cluster }, name) => cluster.sign(name, "junk")],
  ];
  for (const [words, answer] of faults) {
    await using bench = await Bench.start();
    bench.cluster.onCreate = (name) => answer(bench, name);
    const error = await bench.error();
    assert.equal(error.code, "mismatch");
    assert.match(error.message, words);
    assert.equal((await bench.store.load()).kind, "absent");
  }
});

Deno.test("obtainCertificate() ends with the signal's reason, also during a call", async () => {
  await using bench = await Bench.start();
  const stop = new AbortController();
  bench.cluster.create = (_, signal?: AbortSignal) =>
    new Promise((_resolve, reject) => {
      signal!.addEventListener("abort", () => reject(signal!.reason));
      stop.abort(new Error("stopped"));
    });
  await assert.rejects(bench.obtain({ signal: stop.signal }), /^Error: stopped$/);
  await assert.rejects(bench.obtain({ signal: AbortSignal.abort(new Error("before")) }), /before/);
});

Deno.test("the request carries exactly the key that is on disk", async () => {
  await using bench = await Bench.start();
  await bench.error({ timeoutMs: 1 });
  assert.match(fromBase64(bench.cluster.only.spec.request), /^-----BEGIN CERTIFICATE REQUEST-----/);
});
