import assert from "node:assert/strict";
import { TestCa } from "./_test_ca.ts";
import { FakeClock, FakeCluster } from "./_test_cluster.ts";
import { type KeyPair, readCertificate } from "./certificate.ts";
import { nodeSubject } from "./csr.ts";
import { generateKey } from "./keys.ts";
import { Renewal, type RenewalOptions, type RenewalTrouble } from "./renewal.ts";
import { CertificateStore, servingFiles } from "./store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NAMES = { dnsNames: ["w"], ipAddresses: ["10.0.0.7"] };
const SUBJECT = nodeSubject("w");

/** A node whose serving certificate lives for an hour, and its cluster. */
class Bench implements AsyncDisposable {
  readonly dir = Deno.makeTempDirSync();
  readonly store = new CertificateStore(servingFiles(this.dir));
  readonly clock = new FakeClock();
  readonly cluster: FakeCluster;
  readonly taken: KeyPair[] = [];
  readonly told: RenewalTrouble[] = [];
  readonly stop = new AbortController();
  disposed = 0;

  private constructor(ca: TestCa) {
    this.cluster = new FakeCluster(ca);
    this.cluster.onCreate = (name) => this.issue(name);
  }

  static async start(): Promise<Bench> {
    return new Bench(await TestCa.start());
  }

  /** Milliseconds since the test began at which something has happened to the renewal. */
  get passedMs(): number {
    return this.clock.passedMs;
  }

  async issue(name: string, lastsMs = HOUR_MS): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.cluster.issue(name, {
      subject: SUBJECT,
      ...NAMES,
      notBeforeMs: nowMs - 5 * MINUTE_MS,
      notAfterMs: nowMs + lastsMs,
    });
  }

  /** A pair that lives from now for so long, of the node unless told. */
  async pair(lastsMs = HOUR_MS, subject = SUBJECT, notBeforeMs?: number): Promise<KeyPair> {
    const key = await generateKey();
    const nowMs = this.clock.nowMs();
    const certificatePem = await this.cluster.ca.issue(key.publicKeySpki, {
      subject,
      ...NAMES,
      notBeforeMs: notBeforeMs ?? nowMs - 5 * MINUTE_MS,
      notAfterMs: nowMs + lastsMs,
    });
    return { certificatePem, keyPem: key.pem };
  }

  async write({ certificatePem, keyPem }: KeyPair): Promise<void> {
    await Deno.writeTextFile(this.store.files.certificateFile, certificatePem);
    await Deno.writeTextFile(this.store.files.keyFile, keyPem);
  }

  renewal(pair: KeyPair, options: Partial<RenewalOptions> = {}): Renewal {
    return new Renewal({
      kind: "serving",
      nodeName: "w",
      ...NAMES,
      store: this.store,
      pair,
      requests: () =>
        Promise.resolve({
          create: (request) => this.cluster.create(request),
          get: (name) => this.cluster.get(name),
          [Symbol.dispose]: () => void this.disposed++,
        }),
      take: (next) => void this.taken.push(next),
      tell: (trouble) => void this.told.push(trouble),
      clock: this.clock,
      random: () => 0.5,
      ...options,
    });
  }

  /** Runs it for so long on the test's clock. */
  async run(renewal: Renewal, ms: number): Promise<void> {
    this.clock.at(this.clock.passedMs + ms, () => this.stop.abort());
    await renewal.run(this.stop.signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.dir, { recursive: true });
  }
}

Deno.test("Renewal asks at 70 to 90 % of each life, with a new key, and hands over what is stored", async () => {
  await using bench = await Bench.start();
  const first = await bench.pair();
  await bench.write(first);
  const asked: number[] = [];
  bench.cluster.onCreate = async (name) => {
    asked.push(bench.passedMs);
    await bench.issue(name);
  };
  const renewal = bench.renewal(first);
  const inMs = renewal.renewAtMs() - bench.clock.nowMs();
  assert.ok(Math.abs(inMs - 0.8 * HOUR_MS) < 1_000, `${inMs}: X.509 counts in seconds`);
  await bench.run(renewal, 2.5 * HOUR_MS);
  assert.equal(bench.taken.length, 3);
  const steps = asked.map((ms, i) => Math.round((ms - (asked[i - 1] ?? 0)) / MINUTE_MS));
  assert.deepEqual(steps, [48, 48, 48]);
  assert.equal(new Set([first, ...bench.taken].map(({ keyPem }) => keyPem)).size, 4);
  assert.deepEqual((await bench.store.read())?.pair, bench.taken.at(-1));
  assert.equal(renewal.current(), bench.taken.at(-1));
  assert.deepEqual(bench.told, []);
  assert.equal(bench.disposed, 3);
});

Deno.test("Renewal counts the life of a stored pair from the time when it was obtained", async () => {
  await using bench = await Bench.start();
  const pair = await bench.pair(HOUR_MS);
  const nowMs = bench.clock.nowMs();
  const earlier = bench.renewal(pair, { obtainedMs: nowMs - 5 * MINUTE_MS });
  const never = bench.renewal(pair, { obtainedMs: nowMs + HOUR_MS });
  assert.ok(earlier.renewAtMs() < never.renewAtMs());
  assert.equal(never.renewAtMs(), bench.renewal(pair).renewAtMs(), "the future is no begin");
});

Deno.test("Renewal asks again, with another key and later each time, when a request is denied", async () => {
  await using bench = await Bench.start();
  let denials = 0;
  const asked: number[] = [];
  bench.cluster.onCreate = async (name) => {
    asked.push(bench.passedMs);
    if (++denials > 3) return await bench.issue(name);
    bench.cluster.say(name, { type: "Denied", reason: "Nobody", message: "not today" });
  };
  const renewal = bench.renewal(await bench.pair());
  await bench.run(renewal, HOUR_MS);
  assert.equal(bench.cluster.objects.size, 4, "four requests, so four keys");
  assert.equal(bench.taken.length, 1);
  assert.equal(bench.told.length, 3);
  assert.equal(bench.told[0]?.reason, "CertificateRenewalFailed");
  assert.match(
    bench.told[0]!.message,
    /^Cannot renew the serving certificate, which ends at \S+Z: .*denied \(Nobody: not today\)/,
  );
  assert.doesNotMatch(bench.told[0]!.message, /start again/);
  const waits = asked.slice(1).map((ms, i) => ms - asked[i]!);
  assert.ok(waits[0]! >= 2_000 && waits[1]! > waits[0]! && waits[2]! > waits[1]!, `${waits}`);
  assert.equal(renewal.figures().errors, 3);
});

Deno.test("Renewal tells that nobody approves, and finds its own request again when somebody does", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = () => {};
  const renewal = bench.renewal(await bench.pair());
  bench.clock.at(58 * MINUTE_MS, () => bench.issue(bench.cluster.only.metadata.name));
  await bench.run(renewal, 70 * MINUTE_MS);
  assert.equal(bench.cluster.objects.size, 1);
  assert.equal(bench.taken.length, 1);
  assert.ok(bench.told.length >= 2, "again and again");
  const { name } = bench.cluster.only.metadata;
  assert.match(bench.told[0]!.message, new RegExp(`run "kubectl certificate approve ${name}"$`));
});

Deno.test("Renewal goes on behind the end of its certificate", async () => {
  await using bench = await Bench.start();
  bench.cluster.onCreate = () => {};
  const renewal = bench.renewal(await bench.pair());
  bench.clock.at(3 * HOUR_MS, () => bench.issue(bench.cluster.only.metadata.name));
  bench.clock.at(2 * HOUR_MS, () => {
    assert.ok(renewal.figures().ttlSeconds < -3_000);
    assert.equal(renewal.trouble(), bench.told.at(-1)?.message);
  });
  await bench.run(renewal, 3.5 * HOUR_MS);
  assert.equal(bench.taken.length, 1);
  assert.match(bench.told.at(-1)!.message, /which ended at/);
  assert.equal(renewal.trouble(), undefined, "it is over");
  assert.ok(renewal.figures().ttlSeconds > 0);
});

Deno.test("Renewal tells what keeps it from asking at all", async () => {
  await using bench = await Bench.start();
  const requests = (): Promise<never> => Promise.reject(new Error("no way to the cluster"));
  await bench.run(bench.renewal(await bench.pair(), { requests }), HOUR_MS);
  assert.match(bench.told[0]!.message, /: no way to the cluster$/);
});

Deno.test("Renewal keeps the old pair while the new one cannot be taken over, and tries again", async () => {
  await using bench = await Bench.start();
  const first = await bench.pair();
  await bench.write(first);
  let refusals = 0;
  const renewal: Renewal = bench.renewal(first, {
    take: (pair) => {
      if (refusals++ === 0) throw new Error("not now");
      bench.taken.push(pair);
    },
  });
  await bench.run(renewal, HOUR_MS);
  assert.equal(bench.taken.length, 1);
  assert.equal(renewal.current(), bench.taken[0]);
  assert.equal(bench.cluster.objects.size, 1, "the stored one is taken, no other is asked for");
  assert.match(bench.told[0]!.message, /not now/);
});

Deno.test("Renewal takes over within a minute what somebody has put in its place", async () => {
  await using bench = await Bench.start();
  const first = await bench.pair();
  await bench.write(first);
  const renewal = bench.renewal(first);
  let writtenMs = 0;
  bench.clock.at(10 * MINUTE_MS, async () => {
    await bench.write(await bench.pair(5 * HOUR_MS));
    writtenMs = bench.passedMs;
  });
  bench.clock.at(11 * MINUTE_MS + 1, () => assert.equal(bench.taken.length, 1));
  await bench.run(renewal, 2 * HOUR_MS);
  assert.ok(writtenMs > 0);
  assert.equal(bench.cluster.objects.size, 0, "it is good for longer: nothing is asked for");
});

Deno.test("Renewal leaves files alone that are being replaced, or are of no use", async () => {
  await using bench = await Bench.start();
  const first = await bench.pair();
  const other = await bench.pair();
  await bench.write({ certificatePem: other.certificatePem, keyPem: first.keyPem });
  const renewal = bench.renewal(first);
  bench.clock.at(5 * MINUTE_MS, async () => await bench.write(await bench.pair(-MINUTE_MS)));
  await bench.run(renewal, 10 * MINUTE_MS);
  assert.deepEqual(bench.taken, []);
  assert.deepEqual(bench.told, []);
  const entries = await Array.fromAsync(Deno.readDir(bench.dir));
  const names = entries.map(({ name }) => name).sort();
  assert.deepEqual(names, ["krustlet.crt", "krustlet.key"]);
});

Deno.test("Renewal reminds a person of their certificate once, and asks when it is over", async () => {
  await using bench = await Bench.start();
  const theirs = await bench.pair(HOUR_MS, { commonName: "w", organizations: [] });
  await bench.write(theirs);
  const renewal = bench.renewal(theirs);
  bench.clock.at(59 * MINUTE_MS, () => {
    assert.deepEqual(bench.told.map(({ reason }) => reason), ["CertificateExpiring"]);
    assert.equal(renewal.trouble(), bench.told[0]?.message);
    assert.equal(bench.cluster.objects.size, 0);
  });
  await bench.run(renewal, 62 * MINUTE_MS);
  assert.match(bench.told[0]!.message, /krustlet\.crt" and "\S+krustlet\.key"/);
  assert.equal(bench.taken.length, 1);
  assert.deepEqual(readCertificate(bench.taken[0]!.certificatePem).subject, SUBJECT);
});

Deno.test("Renewal never asks in the name of another's client certificate", async () => {
  await using bench = await Bench.start();
  const theirs = await bench.pair(HOUR_MS, { commonName: "admin", organizations: ["masters"] });
  const renewal = bench.renewal(theirs, { kind: "client", reread: () => Promise.resolve(theirs) });
  await bench.run(renewal, 2 * HOUR_MS);
  assert.equal(bench.cluster.objects.size, 0);
  assert.equal(bench.told[0]?.reason, "CertificateExpiring");
});

Deno.test("Renewal that shall not ask does not", async () => {
  await using bench = await Bench.start();
  await bench.run(bench.renewal(await bench.pair(), { asks: false }), 2 * HOUR_MS);
  assert.equal(bench.cluster.objects.size, 0);
  // Once while there is time, and once when it is over.
  assert.equal(bench.told.length, 2);
});

Deno.test("Renewal tells of a clock that is behind", async () => {
  await using bench = await Bench.start();
  const pair = await bench.pair(2 * HOUR_MS, SUBJECT, bench.clock.nowMs() + HOUR_MS);
  await bench.run(bench.renewal(pair), 10 * MINUTE_MS);
  assert.deepEqual(bench.told.map(({ reason }) => reason), ["CertificateNotYetValid"]);
});

Deno.test("Renewal asks for the life that it is told", async () => {
  await using bench = await Bench.start();
  await bench.run(bench.renewal(await bench.pair(), { durationMs: 2 * HOUR_MS }), HOUR_MS);
  assert.equal(bench.cluster.only.spec.expirationSeconds, 7_200);
});

Deno.test("Renewal that is not let in any more says which file helps", async () => {
  await using bench = await Bench.start();
  const pair = await bench.pair();
  const refused = Object.assign(new Error("Unauthorized"), { status: 401 });
  const renewal = bench.renewal(pair, {
    kind: "client",
    reread: () => Promise.resolve(pair),
    requests: () =>
      Promise.resolve({
        create: () => Promise.reject(refused),
        get: () => Promise.reject(refused),
      }),
  });
  await bench.run(renewal, HOUR_MS);
  assert.match(bench.told[0]!.message, /run "krustlet bootstrap".* to make a new bootstrap file$/);
});
