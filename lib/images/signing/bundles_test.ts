import assert from "node:assert/strict";
import { OCI_INDEX } from "../oci/media_types.ts";
import { digestOf, moduleOf } from "../oci/_test_registry.ts";
import { refusal, Room } from "./_room.ts";
import { bundleOf, KEY_KINDS, putBundle, Signer, statementOf } from "./_signer.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_TYPE } from "./bundle.ts";
import { MANIFESTS_MAX } from "./candidates.ts";
import { SIGNATURES_MAX } from "./verify.ts";

/** Puts a bundle beside the room's image. */
function put(room: Room, bundle: Uint8Array | object, predicate?: string): string {
  return putBundle(room.registry, "team/app", {
    of: room.digest,
    bundle,
    ...(predicate === undefined ? {} : { predicate }),
  });
}

for (const kind of KEY_KINDS) {
  Deno.test(`ImageGuard takes a bundle that a ${kind} key signed, and remembers it`, async () => {
    await using room = await Room.open();
    const signer = new Signer(kind);
    room.rule = { ...room.rule, keys: [new Signer().publicPem, signer.publicPem] };
    put(room, bundleOf(signer, statementOf(room.digest)));
    assert.equal(await room.ensure(), true);
    room.registry.seen.length = 0;
    assert.equal(await room.ensure(), false);
    assert.deepEqual(room.registry.seen, []);
  });
}

/** Keeps the list of bundles as a client does for a registry that has none: without annotations. */
function putList({ registry, digest }: Room, artifactType: string = BUNDLE_TYPE): void {
  registry.quirks = { old: true };
  const bundles = [...registry.manifests].filter(([key]) => key.startsWith("team/app bundle-"));
  const manifests = bundles.map(([, { bytes, type }]) => {
    return {
      mediaType: type,
      digest: digestOf(bytes),
      size: bytes.length,
      artifactType: artifactType || undefined,
    };
  });
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  registry.manifest("team/app", digest.replace(":", "-"), index, OCI_INDEX);
}

for (const artifactType of [BUNDLE_TYPE, "application/vnd.oci.empty.v1+json", ""]) {
  Deno.test(`ImageGuard finds a bundle by the fallback tag, listed as "${artifactType}"`, async () => {
    await using room = await Room.open();
    put(room, bundleOf(room.signer, statementOf(room.digest)));
    putList(room, artifactType);
    assert.equal(await room.ensure(), true);
  });
}

/** A bundle whose envelope is changed after it was signed. */
function tampered(room: Room, more: object): object {
  const bundle = bundleOf(room.signer, statementOf(room.digest));
  return { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, ...more } };
}

const OTHER = `sha256:${"0".repeat(64)}`;
const base64 = (value: object): string => btoa(JSON.stringify(value));
const WRONG: readonly (readonly [string, (room: Room) => Uint8Array | object, RegExp])[] = [
  [
    "another's key",
    ({ digest }) => bundleOf(new Signer(), statementOf(digest)),
    /by none of the policy's keys/,
  ],
  [
    "another image's digest",
    ({ signer }) => bundleOf(signer, statementOf(OTHER)),
    /for another image, sha256:0000/,
  ],
  [
    "several subjects",
    ({ signer, digest }) => {
      const statement = statementOf(digest);
      const [subject] = statement["subject"] as unknown[];
      return bundleOf(signer, { ...statement, subject: [subject, subject] });
    },
    /not exactly one subject/,
  ],
  [
    "its payload exchanged",
    (room) => {
      const stolen = bundleOf(room.signer, statementOf(OTHER)).dsseEnvelope["signatures"];
      return tampered(room, { signatures: stolen });
    },
    /by none of the policy's keys/,
  ],
  [
    "its payload changed",
    (room) => tampered(room, { payload: base64({ ...statementOf(room.digest), predicate: 1 }) }),
    /by none of the policy's keys/,
  ],
  [
    "another type of payload, signed",
    ({ signer, digest }) => bundleOf(signer, statementOf(digest), "application/json"),
    /a bundle holds "application\/json"/,
  ],
  [
    "another type of payload, not signed",
    ({ signer, digest }) => {
      const bundle = bundleOf(signer, statementOf(digest), "application/json");
      const payloadType = "application/vnd.in-toto+json";
      return { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payloadType } };
    },
    /by none of the policy's keys/,
  ],
  [
    "a signature over the payload alone",
    (room) => {
      const payload = new TextEncoder().encode(JSON.stringify(statementOf(room.digest)));
      return tampered(room, { signatures: [{ sig: room.signer.sign(payload) }] });
    },
    /by none of the policy's keys/,
  ],
  [
    "the right statement of another kind",
    ({ signer, digest }) =>
      bundleOf(signer, { ...statementOf(digest), predicateType: "https://slsa.dev/provenance/v1" }),
    /slsa.dev\/provenance\/v1" is no signature/,
  ],
  [
    "more bytes than any",
    ({ signer, digest }) =>
      bundleOf(signer, { ...statementOf(digest), predicate: { x: "x".repeat(BUNDLE_BYTES_MAX) } }),
    /a signature has \d+ bytes, more than 1048576/,
  ],
  [
    "a certificate",
    (room) => ({
      ...bundleOf(room.signer, statementOf(room.digest)),
      verificationMaterial: { certificate: { rawBytes: "" } },
    }),
    /keyless/,
  ],
];

for (const [what, bundle, message] of WRONG) {
  Deno.test(`ImageGuard refuses a bundle with ${what}, and takes a good one beside it`, async () => {
    await using room = await Room.open();
    put(room, bundle(room));
    await assert.rejects(room.ensure(), refusal(message));
    put(room, bundleOf(room.signer, statementOf(room.digest)));
    assert.equal(await room.ensure(), true);
  });
}

Deno.test("ImageGuard does not even fetch what says that it is larger than any bundle", async () => {
  await using room = await Room.open();
  const large = new Uint8Array(BUNDLE_BYTES_MAX + 1);
  put(room, large);
  await assert.rejects(room.ensure(), refusal(/has 1048577 bytes, more than 1048576/));
  assert.deepEqual(room.registry.downloads(digestOf(large)), []);
});

Deno.test("ImageGuard refuses a good bundle of another image that is attached to this one", async () => {
  await using room = await Room.open();
  const other = room.registry.artifact("team/app", "other", moduleOf(2_000));
  const bundle = bundleOf(room.signer, statementOf(other));
  putBundle(room.registry, "team/app", { of: other, bundle });
  assert.equal(await room.ensure("other"), true);
  put(room, bundle);
  await assert.rejects(room.ensure(), refusal(/is for another image, sha256:/));
});

Deno.test("ImageGuard takes no bundle for a rule that asks for a name, as it bears none", async () => {
  await using room = await Room.open();
  room.rule = { ...room.rule, signedAs: "up.io/team/app" };
  put(room, bundleOf(room.signer, statementOf(room.digest)));
  await assert.rejects(
    room.ensure(),
    refusal(/names no image, and the rule asks for the name "up/),
  );
  const subject = [{ digest: { sha256: room.digest.split(":")[1] }, name: "up.io/team/app" }];
  put(room, bundleOf(room.signer, { ...statementOf(room.digest), subject }));
  assert.equal(await room.ensure(), true);
});

Deno.test("ImageGuard does not fetch statements that say that they are no signatures", async () => {
  await using room = await Room.open();
  for (let i = 0; i < MANIFESTS_MAX + 8; i++) {
    put(room, new TextEncoder().encode(`${i}`), "https://slsa.dev/provenance/v1");
  }
  put(room, bundleOf(room.signer, statementOf(room.digest)));
  assert.equal(await room.ensure(), true);
});

Deno.test("ImageGuard looks at a limited number of bundles", async () => {
  await using room = await Room.open();
  const stranger = new Signer();
  for (let i = 0; i <= SIGNATURES_MAX; i++) {
    put(room, bundleOf(stranger, { ...statementOf(room.digest), predicate: { i } }));
  }
  await assert.rejects(room.ensure(), refusal(/none of its first 32 signatures is good/));
});

for (const [count, isFound] of [[MANIFESTS_MAX - 1, true], [MANIFESTS_MAX, false]] as const) {
  const verb = isFound ? "finds" : "does not find";
  Deno.test(`ImageGuard ${verb} a signature behind ${count} unnamed attestations`, async () => {
    await using room = await Room.open();
    for (let i = 0; i < count; i++) {
      put(room, new TextEncoder().encode(`${i}`), "https://slsa.dev/provenance/v1");
    }
    put(room, bundleOf(room.signer, statementOf(room.digest)));
    putList(room);
    if (isFound) assert.equal(await room.ensure(), true);
    else await assert.rejects(room.ensure(), refusal(/only the first 128 things that refer to it/));
  });
}
