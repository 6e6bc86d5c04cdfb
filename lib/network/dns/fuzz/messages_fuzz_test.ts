import assert from "node:assert/strict";
import fc from "fast-check";
import { DOMAIN, pod, sources } from "../_world.ts";
import { answerMessage } from "../answers.ts";
import { MessageError, readQuery, readReply, RECORD_TYPE } from "../message.ts";
import { formatName, type Labels, nameBytes, parseName } from "../name.ts";
import { MessageSplitter, withLength } from "../tcp_messages.ts";
import { type OwnRecord, UDP_BYTES_MAX, writeQuery, writeReply } from "../write_message.ts";
import { settings } from "./settings.ts";

const word = fc.constantFrom(
  "web",
  "db",
  "db-0",
  "shop",
  "svc",
  "_sql",
  "_tcp",
  "10-1-0-1",
  "pod",
  "x",
);
/** Names with bytes of any kind, and names that are nearly some of the cluster. */
const name: fc.Arbitrary<Labels> = fc.oneof(
  fc.array(word, { maxLength: 4 }).map((labels) => [...labels, ...DOMAIN]),
  fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 5 })
    .map((labels) => labels.map((bytes) => String.fromCharCode(...bytes))),
  fc.array(fc.nat(255).map(String), { maxLength: 6 })
    .map((labels) => [...labels, "in-addr", "arpa"]),
).filter((labels) => nameBytes(labels) <= 255);
const type = fc.oneof(fc.constantFrom(...Object.values(RECORD_TYPE)), fc.nat(65_535));
const query = fc.record({ name, id: fc.nat(65_535), type })
  .map(({ name, ...head }) => writeQuery(name, head));
const change = fc.record({
  at: fc.nat(999),
  what: fc.constantFrom("flip", "remove", "insert", "end"),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 12, 0x3f, 0x40, 0xc0, 0xff)),
});
const record: fc.Arbitrary<OwnRecord> = fc.oneof(
  fc.record({ name, type: fc.constant("A" as const), ip: fc.ipV4() }),
  fc.record({ name, type: fc.constant("CNAME" as const), target: name }),
  fc.record({ name, type: fc.constant("PTR" as const), target: name }),
  fc.record({
    name,
    type: fc.constant("SRV" as const),
    priority: fc.nat(65_535),
    weight: fc.nat(65_535),
    port: fc.nat(65_535),
    target: name,
  }),
);

const reply = fc.tuple(query, fc.array(record, { maxLength: 6 })).map(([asked, answers]) => {
  const said = { rcode: 0, authoritative: true, ttlSeconds: 5, answers, over: "tcp" } as const;
  return writeReply(readQuery(asked), said);
});

/** Mostly a good message with a few wrong bytes, at times any bytes at all. */
function damaged(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const wrong = fc.tuple(good, fc.array(change, { maxLength: 4 })).map(([bytes, changes]) => {
    const made = [...bytes];
    for (const { at, what, byte } of changes) {
      const index = Math.floor(made.length * at / 1_000);
      if (what === "flip") made[index] = byte;
      if (what === "remove") made.splice(index, 1 + byte % 4);
      if (what === "insert") made.splice(index, 0, byte);
      if (what === "end") made.length = index;
    }
    return Uint8Array.from(made);
  });
  return fc.oneof(
    { weight: 9, arbitrary: wrong },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
  );
}

function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof MessageError, `it fails otherwise: ${error}`);
    return undefined;
  }
}

const READ = settings(50_000);
Deno.test(`readQuery() and readReply() read any bytes without harm, ${READ.numRuns} times`, () => {
  const seen = { queries: 0, replies: 0, refused: 0 };
  fc.assert(
    fc.property(damaged(fc.oneof(query, reply)), (bytes) => {
      const query = orRefused(() => readQuery(bytes));
      const reply = orRefused(() => readReply(bytes));
      for (const found of [query, reply]) {
        if (found !== undefined) assert.ok(nameBytes(found.question.name) <= 255);
      }
      if (query !== undefined) seen.queries++;
      if (reply !== undefined) seen.replies++;
      if (query === undefined && reply === undefined) seen.refused++;
    }),
    READ,
  );
  for (const [what, count] of Object.entries(seen)) {
    assert.ok(count > READ.numRuns / 500, `only ${count} ${what}`);
  }
});

const ANSWERED = settings(30_000);
Deno.test(`answerMessage() answers any bytes with a message that can be read, ${ANSWERED.numRuns} times`, async () => {
  const signal = new AbortController().signal;
  // Whom nobody answers is asked: nothing leaves this machine, as no server has a way to it.
  using finder = await sources({ signal, resolvConf: "nameserver 192.0.2.53\n" });
  const seen = { answers: 0, silences: 0, formErrors: 0 };
  await fc.assert(
    fc.asyncProperty(
      damaged(query),
      fc.constantFrom("udp" as const, "tcp" as const),
      async (bytes, over) => {
        const answer = await answerMessage(bytes, { finder, asker: { pod: pod(), over, signal } });
        if (answer === undefined) {
          seen.silences++;
          return;
        }
        assert.deepEqual(
          answer.subarray(0, 2),
          bytes.subarray(0, 2),
          "it has the question's number",
        );
        assert.ok((answer[2]! & 0x80) !== 0);
        assert.ok(over === "tcp" || answer.length <= UDP_BYTES_MAX);
        if (answer.length === 12) {
          seen.formErrors++;
          return;
        }
        const reply = readReply(answer);
        assert.deepEqual(reply.question, readQuery(bytes).question);
        seen.answers++;
      },
    ),
    ANSWERED,
  );
  for (const [what, count] of Object.entries(seen)) {
    assert.ok(count > ANSWERED.numRuns / 500, `only ${count} ${what}`);
  }
});

const WRITTEN = settings(20_000, 10);
Deno.test(`writeReply() writes what readReply() reads, as much as there is room for, ${WRITTEN.numRuns} times`, () => {
  let truncated = 0;
  const cases = fc.record({
    question: query,
    answers: fc.array(record, { maxLength: 16, size: "max" }),
    udpBytes: fc.oneof(fc.nat(65_535), fc.constantFrom(0, 512, 600, 1_232)),
  });
  fc.assert(
    fc.property(cases, ({ question, answers, udpBytes }) => {
      const asked = { ...readQuery(question), edns: { udpBytes, version: 0 } };
      const reply = { rcode: 0, authoritative: true, ttlSeconds: 5, answers };
      const written = writeReply(asked, { ...reply, over: "udp" });
      const read = readReply(written);
      assert.ok(written.length <= Math.min(Math.max(udpBytes, 512), UDP_BYTES_MAX));
      assert.equal(read.truncated, read.answers.length < answers.length);
      if (read.truncated) truncated++;
      for (const [at, { name, type, ...data }] of read.answers.entries()) {
        const sent = answers[at]!;
        assert.deepEqual([name, type], [sent.name, RECORD_TYPE[sent.type]]);
        if ("ip" in sent) assert.equal(data.ip, sent.ip);
        else if (sent.type === "CNAME") assert.deepEqual(data.target, sent.target);
      }
    }),
    WRITTEN,
  );
  assert.ok(truncated > WRITTEN.numRuns / 100, `only ${truncated} had no room`);
});

Deno.test("parseName() reads what formatName() writes, of names that are written with dots", () => {
  const plain = fc.array(fc.stringMatching(/^[a-z0-9_-]{1,20}$/), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(plain, (labels) => {
    assert.deepEqual(parseName(formatName(labels)), labels);
    assert.deepEqual(parseName(`${formatName(labels)}.`), labels);
  }));
});

Deno.test("MessageSplitter finds the messages however they are cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
  fc.assert(fc.property(messages, fc.array(fc.nat(500), { maxLength: 10 }), (messages, cuts) => {
    const all = messages.flatMap((message) => [...withLength(message)]);
    const ends = [...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b), all.length];
    const splitter = new MessageSplitter(50);
    const found = ends.flatMap((end, at) =>
      splitter.push(Uint8Array.from(all.slice(ends[at - 1] ?? 0, end)))
    );
    assert.deepEqual(found, messages);
    assert.equal(splitter.broken, false);
  }));
  const splitter = new MessageSplitter(50);
  assert.deepEqual(splitter.push(withLength(new Uint8Array(51))), []);
  assert.equal(splitter.broken, true);
});
