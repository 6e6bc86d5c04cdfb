import assert from "node:assert/strict";
import { parseReference } from "../oci/reference.ts";
import { bundleOf, Signer, statementOf } from "./_signer.ts";
import { judgeStatement, openBundle, preAuthEncoding } from "./bundle.ts";
import { parsePublicKey } from "./keys.ts";

const signer = new Signer();
const DIGEST = `sha256:${"a1".repeat(32)}`;
const bytesOf = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

Deno.test("preAuthEncoding() is what the specification of DSSE gives as an example", () => {
  const encoded = preAuthEncoding("http://example.com/HelloWorld", bytesOf("hello world"));
  const text = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
  assert.equal(new TextDecoder().decode(encoded), text);
});

Deno.test("preAuthEncoding() counts bytes, not characters", () => {
  const encoded = preAuthEncoding("é", bytesOf("ü"));
  assert.equal(new TextDecoder().decode(encoded), "DSSEv1 2 é 2 ü");
});

Deno.test("openBundle() opens what cosign writes, and heeds no hint at a key", () => {
  const bundle = bundleOf(signer, statementOf(DIGEST));
  const [one] = bundle.dsseEnvelope["signatures"] as object[];
  bundle.dsseEnvelope["signatures"] = [{ ...one, keyid: "../../etc" }];
  const opened = openBundle(bytesOf({ ...bundle, verificationMaterial: {} }));
  assert.ok(typeof opened === "object");
  assert.deepEqual(JSON.parse(new TextDecoder().decode(opened.statement)), statementOf(DIGEST));
  assert.deepEqual(opened, openBundle(bytesOf(bundle)));
});

const good = bundleOf(signer, statementOf(DIGEST));
const { dsseEnvelope } = good;
const [signature] = dsseEnvelope["signatures"] as object[];
const inEnvelope = (more: object): object => ({
  ...good,
  dsseEnvelope: { ...dsseEnvelope, ...more },
});
/** A text's place taken by what cannot be made a text. */
const ODD = { toString: 1, valueOf: 1 };
const CLOSED: readonly (readonly [what: string, bundle: unknown, state: RegExp])[] = [
  ["no JSON", "{", /not JSON/],
  ["a text", '"bundle"', /not JSON/],
  ["null", "null", /not JSON/],
  ["a list", [], /of type undefined/],
  [
    "another version",
    { ...good, mediaType: "application/vnd.dev.sigstore.bundle.v0.4+json" },
    /v0.4/,
  ],
  [
    "a certificate",
    { ...good, verificationMaterial: { certificate: { rawBytes: "" } } },
    /keyless, with a certificate, which is not checked/,
  ],
  ["certificates", { ...good, verificationMaterial: { x509CertificateChain: {} } }, /keyless/],
  [
    "a signed file",
    { ...good, dsseEnvelope: undefined, messageSignature: { signature: "" } },
    /holds undefined/,
  ],
  ["another type of payload", inEnvelope({ payloadType: "text/plain" }), /holds "text\/plain"/],
  ["no signature", inEnvelope({ signatures: [] }), /not exactly one signature/],
  ["no list", inEnvelope({ signatures: { length: 1, 0: signature } }), /not exactly one/],
  ["two signatures", inEnvelope({ signatures: [signature, signature] }), /not exactly one/],
  ["an object for its type", { ...good, mediaType: ODD }, /of type an object/],
  ["an object for its payload's type", inEnvelope({ payloadType: ODD }), /holds an object/],
  ["an object for its payload", inEnvelope({ payload: ODD }), /base64/],
  ["an object for its envelope", { ...good, dsseEnvelope: null }, /holds undefined/],
  ["an empty entry", inEnvelope({ signatures: [null] }), /base64/],
  ["a payload in no base64", inEnvelope({ payload: "{}" }), /base64/],
];

for (const [what, bundle, state] of CLOSED) {
  Deno.test(`openBundle() does not open a bundle with ${what}`, () => {
    const opened = openBundle(bytesOf(bundle));
    assert.ok(typeof opened === "string");
    assert.match(opened, state);
  });
}

const statement = statementOf(DIGEST);
const subject = { digest: { sha256: "a1".repeat(32) } };
const named = (name: unknown): object => ({ ...statement, subject: [{ ...subject, name }] });
const SPEAKS: readonly (readonly [what: string, statement: unknown, state?: RegExp])[] = [
  ["the image's digest", statement],
  ["no predicate", { ...statement, predicate: undefined }],
  ["an empty name", named("")],
  ["the image's name", named("r.io/team/app")],
  ["the image's name and tag", named("r.io/team/app:v1")],
  ["digests of other kinds besides", {
    ...statement,
    subject: [{ digest: { ...subject.digest, sha512: "00" } }],
  }],
  [
    "another image's digest",
    statementOf(`sha256:${"b2".repeat(32)}`),
    /another image, sha256:b2b2/,
  ],
  ["the digest in capitals", statementOf(DIGEST.toUpperCase()), /another image/],
  ["no digest", { ...statement, subject: [{}] }, /another image, undefined/],
  ["no subject", { ...statement, subject: [] }, /not exactly one subject/],
  ["several subjects", { ...statement, subject: [subject, subject] }, /not exactly one subject/],
  ["a subject in no list", { ...statement, subject }, /not exactly one subject/],
  ["another's name", named("r.io/team/other"), /for the name "r.io\/team\/other", not for/],
  ["another tag", named("r.io/team/app:v2"), /for the name ".*app:v2"/],
  ["a name that is no text", named(7), /for the name 7, not/],
  [
    "provenance",
    { ...statement, predicateType: "https://slsa.dev/provenance/v1" },
    /of type "https:\/\/slsa.dev\/provenance\/v1" is no signature/,
  ],
  ["another type", { ...statement, _type: "x" }, /of type "x"/],
  ["objects for texts", { _type: ODD }, /of type an object/],
  [
    "an object for its kind",
    { ...statement, predicateType: ODD },
    /type an object is no signature/,
  ],
  ["an object for a name", named(ODD), /for the name an object/],
  [
    "an object for a digest",
    { ...statement, subject: [{ digest: { sha256: ODD } }] },
    /for another image, an object/,
  ],
  ["a digest that is inherited", { ...statement, subject: [{ digest: "sha256" }] }, /undefined/],
  ["no JSON", "{", /not JSON/],
  ["a text", '"s"', /not JSON/],
];

for (const [what, said, state] of SPEAKS) {
  const verb = state === undefined ? "takes" : "refuses";
  Deno.test(`judgeStatement() ${verb} a statement with ${what}`, () => {
    const reference = parseReference("r.io/team/app:v1");
    const image = { reference, digest: DIGEST, rule: { action: "signed", keys: [] } } as const;
    const judged = judgeStatement(bytesOf(said), image);
    if (state === undefined) assert.equal(judged, undefined);
    else assert.match(judged ?? "", state);
  });
}

Deno.test("a bundle that cosign 3.1.3 has made is good for its image and key alone", async () => {
  const key = await parsePublicKey(
    `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZL+lAKjJ4sk+RHZdF5ICZbywOSXx
FpoEfQZVONeEvxyhg3APuaig3mL3dV+2cbat9y5obSdcp6uA+L1wEmirCw==
-----END PUBLIC KEY-----`,
  );
  const bundle = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: "B4phRCFe69LnW5UdRo73haHWOnedo38GPZivV+0A448=" } },
    dsseEnvelope: {
      payload:
        "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCAic3ViamVjdCI6W3siZGlnZXN0" +
        "Ijp7InNoYTI1NiI6IjMzZTM0M2UyNDVkMmVkZDc2OTA1NWEyZjllYTMwNTVhYTZhMzRiMjRmYzAyNTViMzUy" +
        "MWI0MmFjNDJmOWYzZDIifSwgImFubm90YXRpb25zIjp7fX1dLCAicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8v" +
        "c2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIiwgInByZWRpY2F0ZSI6e319",
      payloadType: "application/vnd.in-toto+json",
      signatures: [{
        sig: "MEUCIGAsotlat4FMtYOwrU9gFN5DRNp6MogDU5iYhPjITlGgAiEA2IEUqtpHZOYzGcfmn5IKmyU9+eDR" +
          "igqTQ3J8sbkYQl0=",
      }],
    },
  };
  const opened = openBundle(bytesOf(bundle));
  assert.ok(typeof opened === "object");
  assert.equal(await key.verifies(opened.signed, opened.signature), true);
  const other = await parsePublicKey(signer.publicPem);
  assert.equal(await other.verifies(opened.signed, opened.signature), false);
  const image = {
    reference: parseReference("r.io/app:v1"),
    rule: { action: "signed", keys: [key] },
    digest: "sha256:33e343e245d2edd769055a2f9ea3055aa6a34b24fc0255b3521b42ac42f9f3d2",
  } as const;
  assert.equal(judgeStatement(opened.statement, image), undefined);
  assert.match(judgeStatement(opened.statement, { ...image, digest: DIGEST })!, /another image/);
});
