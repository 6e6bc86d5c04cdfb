import assert from "node:assert/strict";
import { join } from "node:path";
import { ENV_FILE_BYTES_MAX, parseEnvFile, readEnvFile } from "./env_file.ts";

function parse(text: string, key: string): string | undefined {
  return parseEnvFile(text, { key, path: "config.env" });
}

Deno.test("parseEnvFile() takes what stands between quotes as it is", () => {
  const text = [
    "# a comment",
    "",
    "  \t ",
    "PLAIN='value'",
    "\tINDENTED='a b' # why",
    "LITERAL='$(A) \\n \" # no comment'",
    "LINES='one",
    "  two=2",
    "'",
    "EMPTY=''",
    "BLANK= 'not this'",
    "odd name-1='x'",
    "PLAIN='second'",
    "WINDOWS='cr'\r",
    "BEHIND='1'#",
  ].join("\n");
  const rows: [string, string | undefined][] = [
    ["PLAIN", "value"],
    ["INDENTED", "a b"],
    ["LITERAL", '$(A) \\n " # no comment'],
    ["LINES", "one\n  two=2\n"],
    ["EMPTY", ""],
    ["BLANK", ""],
    ["odd name-1", "x"],
    ["WINDOWS", "cr"],
    ["BEHIND", "1"],
    ["  two", undefined],
    ["NONE", undefined],
  ];
  for (const [key, value] of rows) assert.equal(parse(text, key), value, key);
});

Deno.test("parseEnvFile() names the line that is malformed", () => {
  const rows: [string, RegExp][] = [
    ["A='1'\nplain", /line 2: missing '='$/],
    ["='1'", /line 1: empty variable name$/],
    ["A ='1'", /line 1: whitespace before '=' is not allowed$/],
    ["A=1", /line 1: value must be enclosed in single quotes$/],
    ['A="1"', /line 1: value must be enclosed in single quotes$/],
    ["A='1'x", /line 1: unexpected content after closing quote$/],
    ["\nA='1\n\n", /line 2: unclosed single quote$/],
  ];
  for (const [text, message] of rows) {
    assert.throws(() => parse(text, "B"), { code: "container_config", message }, text);
  }
  assert.equal(parse("A='1'\nrubbish", "A"), "1");
});

interface Place {
  readonly volume: string;
  readonly elsewhere: string;
  read(path: string, more?: { key?: string; optional?: boolean }): Promise<string | undefined>;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const [volume, elsewhere] = [join(folder, "volume"), join(folder, "elsewhere")];
  try {
    await Deno.mkdir(volume);
    await Deno.mkdir(elsewhere);
    const volumes = new Map([["config", { hostPath: volume, readOnly: false }]]);
    const read: Place["read"] = (path, { key = "KEY", optional = false } = {}) =>
      readEnvFile({ volumeName: "config", path, key, optional }, volumes);
    await work({ volume, elsewhere, read });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readEnvFile() reads a key of a file in a volume", () =>
  inPlace(async ({ volume, read }) => {
    await Deno.mkdir(join(volume, "of"));
    await Deno.writeTextFile(join(volume, "of/app.env"), "OTHER='1'\nKEY='välue'\n");
    await Deno.symlink("of/app.env", join(volume, "link"));
    assert.equal(await read("of/app.env"), "välue");
    assert.equal(await read("link"), "välue");
  }));

Deno.test("readEnvFile() leaves out what is optional and missing", () =>
  inPlace(async ({ volume, read }) => {
    await Deno.writeTextFile(join(volume, "app.env"), "OTHER='1'\n");
    assert.equal(await read("app.env", { optional: true }), undefined);
    assert.equal(await read("none.env", { optional: true }), undefined);
    const message = 'environment variable key "KEY" not found in file "none.env"';
    await assert.rejects(read("none.env"), { code: "container_config", message });
    await assert.rejects(read("app.env"), /key "KEY" not found in file "app.env"$/);
    const no = { volumeName: "no", path: "x", key: "KEY", optional: true };
    await assert.rejects(
      readEnvFile(no, new Map()),
      /cannot find the volume "no" referenced by FileKeyRef$/,
    );
  }));

Deno.test("readEnvFile() follows nothing out of the volume, and opens no more than files", () =>
  inPlace(async ({ volume, elsewhere, read }) => {
    await Deno.writeTextFile(join(elsewhere, "secret.env"), "KEY='stolen'\n");
    await Deno.symlink(join(elsewhere, "secret.env"), join(volume, "file"));
    await Deno.symlink(elsewhere, join(volume, "folder"));
    await Deno.mkdir(join(volume, "plain"));
    for (const path of ["file", "folder/secret.env", "../elsewhere/secret.env", "plain"]) {
      await assert.rejects(read(path), { code: "container_config" }, path);
      await assert.rejects(read(path, { optional: true }), { code: "container_config" }, path);
    }
    const absolute = join(elsewhere, "secret.env");
    await assert.rejects(read(absolute), { code: "container_config" });
  }));

Deno.test("readEnvFile() refuses a file that is too large, or no text", () =>
  inPlace(async ({ volume, read }) => {
    const line = "KEY='1'\n";
    await Deno.writeTextFile(join(volume, "most"), line + " ".repeat(ENV_FILE_BYTES_MAX - 8));
    assert.equal(await read("most"), "1");
    await Deno.writeTextFile(join(volume, "more"), line + " ".repeat(ENV_FILE_BYTES_MAX - 7));
    await assert.rejects(read("more"), /it has more than 1048576 bytes$/);
    await Deno.writeFile(join(volume, "bytes"), new Uint8Array([0x41, 0x3d, 0x27, 0xff, 0x27]));
    await assert.rejects(read("bytes"), /it is not UTF-8 text$/);
  }));
