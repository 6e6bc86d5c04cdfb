import assert from "node:assert/strict";
import { Signer } from "./_signer.ts";
import { refusal, Room } from "./_room.ts";

const { signal } = new AbortController();

for (const as of ["tag", "referrer"] as const) {
  Deno.test(`ImageGuard takes an image whose signature is a ${as}, and remembers it`, async () => {
    await using room = await Room.open();
    room.sign({ as });
    assert.equal(await room.ensure(), true);
    room.registry.seen.length = 0;
    assert.equal(await room.ensure(), false);
    assert.deepEqual(room.registry.seen, []);
  });
}

Deno.test("ImageGuard refuses an image without a signature, and takes it once it is signed", async () => {
  await using room = await Room.open();
  const says = /because the signature validation failed: it has no signature; sign it with cosign/;
  await assert.rejects(room.ensure(), refusal(says));
  const never = {
    image: `${room.registry.host}/team/app:v1`,
    secrets: [],
    policy: "Never",
  } as const;
  await assert.rejects(room.store.ensure(never, { signal }), { code: "image_never" });
  room.sign();
  assert.equal(await room.ensure(), true);
});

const WRONG: readonly (readonly [string, (room: Room) => Parameters<Room["sign"]>[0], RegExp])[] = [
  ["another's key", () => ({ signer: new Signer() }), /by none of the policy's keys/],
  [
    "another image's digest",
    () => ({ said: { digest: `sha256:${"0".repeat(64)}` } }),
    /for another image, sha256:0000/,
  ],
  ["another name", () => ({ said: { name: "other.io/team/app" } }), /for the name "other.io/],
  [
    "another tag",
    (room) => ({ said: { name: `${room.registry.host}/team/app:v2` } }),
    /for the name ".*app:v2"/,
  ],
];

for (const [what, how, message] of WRONG) {
  Deno.test(`ImageGuard refuses a signature with ${what}`, async () => {
    await using room = await Room.open();
    room.sign(how(room));
    await assert.rejects(room.ensure(), refusal(message));
  });
}

Deno.test("ImageGuard takes a copy under the name that it was signed by, if the rule says so", async () => {
  await using room = await Room.open();
  room.sign({ said: { name: "up.io/team/app" } });
  await assert.rejects(room.ensure(), refusal(/not for/));
  room.rule = { ...room.rule, signedAs: "up.io/team/app" };
  assert.equal(await room.ensure(), true);
});

Deno.test("ImageGuard asks anew when the rule asks for something else", async () => {
  await using room = await Room.open();
  room.sign();
  await room.ensure();
  const other = new Signer();
  room.rule = { ...room.rule, keys: [other.publicPem] };
  await assert.rejects(room.ensure(), refusal(/none of the policy's keys/));
  room.rule = { images: ["*"], action: "reject" };
  await assert.rejects(room.ensure(), refusal(/the node's image policy rejects it/));
  room.rule = { images: ["*"], action: "accept" };
  assert.equal(await room.ensure(), false);
});

Deno.test("ImageGuard does not take the content of a signature for what it is not", async () => {
  await using room = await Room.open();
  room.sign();
  // The registry gives another payload under the signed one's name.
  for (const [digest, bytes] of room.registry.blobs) {
    if (!new TextDecoder().decode(bytes).includes("docker-manifest-digest")) continue;
    room.registry.blobs.set(digest, bytes.map((byte) => byte === 0x61 ? 0x62 : byte));
  }
  await assert.rejects(room.ensure(), { code: "image_pull", message: /digest mismatch/ });
});
