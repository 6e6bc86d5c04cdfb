import assert from "node:assert/strict";
import { hostValues, mirrorUrl } from "./registry_kinds.ts";

const kind = hostValues("HOST=URL,…", "an address", mirrorUrl);

Deno.test("hostValues() reads pairs in their order, from a text, from JSON and from two flags", () => {
  const expected = {
    "docker.io": ["https://a.example/hub", "http://b:5000"],
    "r:1": ["https://c"],
  };
  const text = "docker.io=https://a.example/hub/, r:1=https://c/,index.docker.io=http://b:5000";
  assert.deepEqual(kind.fromText(text), expected);
  const json = { "docker.io": ["https://a.example/hub", "http://b:5000/"], "r:1": "https://c" };
  assert.deepEqual(kind.fromJson(json), expected);
  const [earlier, later] = text.split(/,(?=index)/).map((part) => kind.fromText(part));
  assert.deepEqual(kind.join!(earlier!, later!), expected);
  assert.deepEqual(kind.fromText(kind.toText(expected)), expected);
  assert.deepEqual(kind.fromText(""), {});
  assert.deepEqual(kind.fromText("valueOf=http://m"), { valueOf: ["http://m"] });
  assert.deepEqual(kind.fromText("[::1]:5000=http://[::1]:6000"), {
    "[::1]:5000": ["http://[::1]:6000"],
  });
});

Deno.test("hostValues() says what is wrong, and shows no password", () => {
  const wrong: Readonly<Record<string, RegExp>> = {
    "https://m.example": /has no "="/,
    "docker.io=": /nothing behind "="/,
    "https://docker.io=https://m.example": /is no host name/,
    "docker.io/library=https://m.example": /is no host name/,
    "docker.io=m.example": /is no http: or https: address/,
    "docker.io=ftp://user:secret@m.example": /is no http: or https: address/,
    "docker.io=https://m.example/v2/?x": /has a query/,
    "docker.io=https://m.example/Upper": /path that begins no repository/,
    "docker.io=https://user:secret@m.example/hub":
      /mirror "m.example" holds a user, .* put user and password under "m.example" into Docker's/,
    "docker.io=https://:secret@m.example": /holds a user/,
    "docker.io=https://robot@m.example": /holds a user/,
    "docker.io=ftp://user:x@secret@m.example": /is no http: or https: address/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => kind.fromText(text), (error: unknown) => {
      assert.ok(error instanceof RangeError && message.test(error.message), String(error));
      assert.equal(error.message.includes("secret"), false);
      return true;
    });
  }
  for (const json of [[], "a", null, { "docker.io": 7 }, { "docker.io": [""] }]) {
    assert.throws(() => kind.fromJson(json), RangeError);
  }
});
