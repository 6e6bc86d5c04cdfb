import assert from "node:assert/strict";
import { formatReference, InvalidReference, isDigest, parseReference } from "./reference.ts";

const HEX = "0123456789abcdef".repeat(4);

const GOOD: Readonly<Record<string, string>> = {
  "hello": "docker.io/library/hello:latest",
  "hello:v1": "docker.io/library/hello:v1",
  "test_com": "docker.io/library/test_com:latest",
  "test.com:tag": "docker.io/library/test.com:tag",
  "test.com:5000": "docker.io/library/test.com:5000",
  "test.com/repo:tag": "test.com/repo:tag",
  "test:5000/repo": "test:5000/repo:latest",
  "test:5000/repo:tag": "test:5000/repo:tag",
  [`test:5000/repo@sha256:${HEX}`]: `test:5000/repo@sha256:${HEX}`,
  [`test:5000/repo:tag@sha256:${HEX}`]: `test:5000/repo:tag@sha256:${HEX}`,
  [`repo@sha512:${HEX}${HEX}`]: `docker.io/library/repo@sha512:${HEX}${HEX}`,
  "foo/bar": "docker.io/foo/bar:latest",
  "docker.io/hello": "docker.io/library/hello:latest",
  "docker.io/foo/bar": "docker.io/foo/bar:latest",
  "index.docker.io/hello": "docker.io/library/hello:latest",
  "localhost/repo": "localhost/repo:latest",
  "localhost:5000/a/b/c:1.0_x-y": "localhost:5000/a/b/c:1.0_x-y",
  "LOCAL/repo": "LOCAL/repo:latest",
  "127.0.0.1:5000/x": "127.0.0.1:5000/x:latest",
  "[2001:db8::1]:5000/repo:v": "[2001:db8::1]:5000/repo:v",
  "lowercase:Uppercase": "docker.io/library/lowercase:Uppercase",
  "sub-dom1.foo.com/bar/baz/quux:some-long-tag": "sub-dom1.foo.com/bar/baz/quux:some-long-tag",
  "b.gcr.io/test.example.com/my-app:test.example.com":
    "b.gcr.io/test.example.com/my-app:test.example.com",
  "xn--n3h.com/myimage:xn--n3h.com": "xn--n3h.com/myimage:xn--n3h.com",
  "foo_bar.com:8080": "docker.io/library/foo_bar.com:8080",
  "foo/foo_bar.com:8080": "docker.io/foo/foo_bar.com:8080",
  "bücher.example/hello": "xn--bcher-kva.example/hello:latest",
  "BÜCHER.example:5000/hello": "xn--bcher-kva.example:5000/hello:latest",
  "例え.jp/a/b:1": "xn--r8jz45g.jp/a/b:1",
  "[::1]/repo": "[::1]/repo:latest",
  "a--b/c__d.e_f-g": "docker.io/a--b/c__d.e_f-g:latest",
};

const BAD: Readonly<Record<string, RegExp>> = {
  "": /it is empty/,
  ":justtag": /it names no repository/,
  [`@sha256:${HEX}`]: /it names no repository/,
  "repo@sha256:ffffffffffff": /must have 64 lower-case hexadecimal digits/,
  [`repo@sha256:${HEX.toUpperCase()}`]: /lower-case hexadecimal/,
  [`validname@invaliddigest:${HEX}`]: /must begin with sha256: or sha512:/,
  [`repo@__proto__:${HEX}`]: /must begin with sha256:/,
  "repo@": /must begin with sha256:/,
  [`a@sha256:${HEX}@sha256:${HEX}`]: /more than one "@"/,
  "Uppercase:tag": /must be lower case/,
  "test:5000/Uppercase/lowercase:tag": /must be lower case/,
  [HEX]: /an id, not a name/,
  [`${"a".repeat(256)}`]: /longer than 255 characters/,
  [`x.io/${"a".repeat(1100)}`]: /longer than 1024 characters/,
  "aa/asdf$$^/aa": /repository part "asdf\$\$\^"/,
  "repo:": /tag ""/,
  "repo:-x": /tag "-x"/,
  [`repo:${"t".repeat(129)}`]: /1–128/,
  "a//b": /repository part ""/,
  "a/b/": /repository part ""/,
  "/a": /repository part ""/,
  "a/../b": /repository part "\.\."/,
  "a/b c": /repository part "b c"/,
  "https://ghcr.io/x": /registry "https:" is not a host name/,
  "foo_bar.com:8080/x": /registry "foo_bar.com:8080" is not/,
  "-bad.io/x": /registry "-bad.io" is not/,
  "host:port/x": /registry "host:port" is not/,
  "host.io:99999/x": /registry "host.io:99999" is not/,
  "256.256.256.256/x": /registry "256.256.256.256" is not/,
  "[::g]/x": /registry "\[::g\]" is not/,
  "[fe80::1%eth0]/x": /is not a host name/,
  "１２７.0.0.1/x": /is not a host name/,
  "Ố/x": /repository part "Ố"|must be lower case/,
  "a。b/x": /repository|is not a host name/,
  "bü\u0000cher.example/x": /is not a host name/,
  [`${"ü".repeat(64)}.example/x`]: /is not a host name/,
  "user:pass@host.io/x": /must begin with sha256:/,
  "hello\n": /^[^\n]*repository part "hello\\u\{a\}" must be/,
  "a\u202eb": /repository part "a\\u\{202e\}b"/,
  [`${"\0".repeat(1024)}`]: /repository/,
  "1.2/x": /registry "1.2" is another way to write the address 1.0.0.2; write that/,
  "0x7f.1:5000/x": /another way to write the address 127.0.0.1/,
};

for (const [text, printed] of Object.entries(GOOD)) {
  Deno.test(`parseReference() takes ${text.replaceAll(HEX, "…")}`, () => {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), printed);
    assert.deepEqual(parseReference(printed), reference);
  });
}

for (const [text, message] of Object.entries(BAD)) {
  const name = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  Deno.test(`parseReference() refuses ${name}`, () => {
    assert.throws(() => parseReference(text), (error: unknown) => {
      assert.ok(error instanceof InvalidReference, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^Cannot use image name "/);
      assert.ok(error.message.length < 1500);
      return true;
    });
  });
}

Deno.test("isDigest() takes exactly sha256 and sha512", () => {
  assert.ok(isDigest(`sha256:${HEX}`));
  assert.ok(isDigest(`sha512:${HEX}${HEX}`));
  for (const bad of ["", "sha256", `sha256:${HEX}0`, `md5:${HEX}`, `sha256:${HEX}:`, "toString:"]) {
    assert.equal(isDigest(bad), false, bad);
  }
});
