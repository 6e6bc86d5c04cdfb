import assert from "node:assert/strict";
import { readHeader, type TarEntry, writeHeader } from "./tar_header.ts";
import { parseTar } from "./tar.ts";
import { Scene } from "./testing.ts";

const encoder = new TextEncoder();

/** An archive of these entries. */
function archive(
  ...entries: (Partial<TarEntry> & { readonly content?: string })[]
): Uint8Array<ArrayBuffer> {
  const parts = entries.flatMap(({ content = "", ...entry }) => {
    const bytes = encoder.encode(content);
    const whole: TarEntry = {
      name: "x",
      kind: "file",
      bytes: bytes.length,
      mtime: 0,
      target: "",
      ...entry,
    };
    return [writeHeader(whole), bytes, new Uint8Array((512 - bytes.length % 512) % 512)];
  });
  parts.push(new Uint8Array(1024));
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What the system's own tar says to an archive, or makes. */
async function systemTar(
  args: readonly string[],
  stdin?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command("tar", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const [output] = await Promise.all([
    child.output(),
    writer.write(stdin ?? new Uint8Array()).then(() => writer.close()),
  ]);
  assert.ok(output.success);
  return output.stdout;
}

const NAMES = [
  "plain",
  "a b",
  "名前",
  "-dash",
  "n".repeat(200),
  `${"d".repeat(90)}/${"e".repeat(90)}`,
];

Deno.test("tar() makes archives that the system's tar reads, with names of every kind", async () => {
  await using scene = await Scene.open();
  for (const name of NAMES) {
    const path = `${scene.root}/from/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, name);
    await Deno.utime(path, 1_000_000, 1_000_000);
  }
  await Deno.symlink("plain", `${scene.root}/from/link`);
  const { outBytes, err, code } = await scene.run(["tar", "cf", "-", "/from"]);
  assert.deepEqual([code, err], [0, ""]);
  await systemTar(["-xf", "-", "-C", `${scene.folder}/rw`], outBytes);
  for (const name of NAMES) {
    assert.equal(await Deno.readTextFile(`${scene.folder}/rw/from/${name}`), name);
    const { mtime } = await Deno.stat(`${scene.folder}/rw/from/${name}`);
    assert.equal(mtime?.getTime(), 1_000_000_000);
  }
  assert.equal(await Deno.readLink(`${scene.folder}/rw/from/link`), "plain");
});

Deno.test("tar() extracts what the system's tar makes, in each of its formats", async () => {
  for (const format of ["gnu", "pax", "ustar"]) {
    await using scene = await Scene.open();
    await Deno.mkdir(`${scene.folder}/from`);
    const names = format === "ustar" ? NAMES.filter((name) => name.length < 200) : NAMES;
    for (const name of names) {
      const path = `${scene.folder}/from/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, name.repeat(1_000));
    }
    await Deno.link(`${scene.folder}/from/plain`, `${scene.folder}/from/same`);
    const made = await systemTar([`--format=${format}`, "-C", scene.folder, "-cf", "-", "from"]);
    const options = ["--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", "/rw"];
    const { code, err } = await scene.run(["tar", ...options], { stdin: made });
    assert.deepEqual([code, err], [0, ""], format);
    for (const name of [...names, "same"]) {
      const wanted = (name === "same" ? "plain" : name).repeat(1_000);
      assert.equal(await Deno.readTextFile(`${scene.folder}/rw/from/${name}`), wanted);
    }
    const listed = await scene.run(["tar", "tf", "-"], { stdin: made });
    assert.equal(listed.out.split("\n").length, names.length + 4);
  }
});

Deno.test("tar() extracts nothing outside of its folder, and goes on with the rest", async () => {
  await using scene = await Scene.open();
  await Deno.symlink("../../secret", `${scene.root}/planted`);
  const stdin = archive(
    { name: "../../secret", content: "overwritten" },
    { name: "a/../../../secret", content: "overwritten" },
    { name: "/etc/passwd", content: "inside" },
    { name: "out", kind: "symlink", target: "../.." },
    { name: "out/secret", content: "overwritten" },
    { name: "abs", kind: "symlink", target: scene.folder },
    { name: "abs/secret", content: "inside" },
    { name: "hard", kind: "hardlink", target: "../../secret" },
    { name: "planted", content: "inside" },
    { name: "ro/data", content: "overwritten" },
    { name: "device", kind: "other" },
    { name: "last", content: "here" },
  );
  const { code, err } = await scene.run(["tar", "xf", "-"], { stdin });
  assert.equal(code, 2);
  assert.equal(await Deno.readTextFile(`${scene.folder}/secret`), "secret\n");
  assert.equal(await Deno.readTextFile(`${scene.folder}/ro/data`), "data\n");
  for (const name of ["etc/passwd", "abs/secret", "planted"]) {
    assert.equal(await Deno.readTextFile(`${scene.root}/${name}`), "inside", name);
  }
  assert.equal(await Deno.readTextFile(`${scene.root}/last`), "here");
  for (const said of [/"\.\."/, /ro\/data: Read-only/, /abs: Operation not permitted/]) {
    assert.match(err, said);
  }
});

Deno.test("tar() extracts nothing through the links of its archive", async () => {
  await using scene = await Scene.open();
  await Deno.mkdir(`${scene.root}/into`);
  await Deno.writeTextFile(`${scene.root}/kept`, "kept");
  const stdin = archive(
    { name: "up", kind: "symlink", target: ".." },
    { name: "up/kept", content: "overwritten" },
    { name: "up/a/b", content: "new" },
    { name: "up/folder/", kind: "folder" },
    { name: "same", kind: "hardlink", target: "up" },
    { name: "same/kept", content: "overwritten" },
    { name: "second", kind: "hardlink", target: "up/kept" },
    { name: "./up//kept", content: "overwritten" },
    { name: "in", kind: "symlink", target: "real" },
    { name: "real/file", content: "fine" },
    { name: "up", content: "a file by now" },
  );
  const { code, err } = await scene.run(["tar", "xf", "-", "-C", "/into"], { stdin });
  assert.equal(code, 2);
  assert.match(err, /up\/kept: a link of the archive is on its way/);
  assert.equal(await Deno.readTextFile(`${scene.root}/kept`), "kept");
  const names = (folder: string): string[] => [...Deno.readDirSync(folder)].map((one) => one.name);
  assert.deepEqual(names(scene.root).sort(), ["into", "kept", "ro", "rw"]);
  assert.deepEqual(names(`${scene.root}/into`).sort(), ["in", "real", "same", "up"]);
  assert.equal(await Deno.readTextFile(`${scene.root}/into/in/file`), "fine");
});

Deno.test("tar() tells an archive that is broken, and does not wait for what does not come", async () => {
  const good = archive({ name: "a", content: "x".repeat(2_000) });
  const huge = archive({ name: "a", content: "x" });
  huge.set(encoder.encode("77777777777"), 124); // its sum is wrong now as well
  const broken = {
    "does not look like": [new Uint8Array(0), encoder.encode("x".repeat(600)), huge],
    "Unexpected end": [good.subarray(0, 1_000), good.subarray(0, 2_400)],
  };
  for (const [message, archives] of Object.entries(broken)) {
    for (const stdin of archives) {
      await using scene = await Scene.open();
      const { code, err } = await scene.run(["tar", "xf", "-"], { stdin });
      assert.equal(code, 2);
      assert.match(err, new RegExp(message));
    }
  }
});

Deno.test("writeHeader() and readHeader() agree, and long names go before as pax", () => {
  const entry: TarEntry = { name: "a/b", kind: "symlink", bytes: 0, mtime: 12_345, target: "c" };
  assert.deepEqual(readHeader(writeHeader(entry)), { is: "entry", entry });
  for (const length of [100, 101, 500, 989, 990, 991, 4_000]) {
    const name = "n".repeat(length);
    const blocks = writeHeader({ ...entry, name });
    const [digits] = new TextDecoder().decode(blocks.subarray(512)).split(" ");
    if (length === 100) assert.equal(blocks.length, 512);
    else assert.equal(Number(digits), ` path=${name}\n`.length + digits!.length);
  }
});

Deno.test("parseTar() reads the command lines of kubectl cp", () => {
  const from = parseTar({ args: ["cf", "-", "/data/file"], cwd: "/" });
  assert.deepEqual(from, {
    mode: "create",
    archive: "-",
    operands: [{ folder: "/", name: "/data/file" }],
    folder: "/",
    touch: false,
    verbose: false,
  });
  const args = ["--no-same-permissions", "--no-same-owner", "-xmf", "-", "-C", "/dest"];
  const to = parseTar({ args, cwd: "/" });
  assert.deepEqual([to.mode, to.archive, to.folder, to.touch], ["extract", "-", "/dest", true]);
  for (const wrong of [[], ["f"], ["-cx"], ["--delete", "-c"], ["-czf", "-"], ["-cf"]]) {
    assert.throws(() => parseTar({ args: wrong, cwd: "/" }), { name: "Trouble" }, wrong.join(" "));
  }
});
