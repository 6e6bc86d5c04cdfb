import assert from "node:assert/strict";
import { Scene } from "./testing.ts";

/** Scripts, what they print, and their code if it is not 0. */
const SCRIPTS: readonly (readonly [script: string, out: string, code?: number])[] = [
  ["echo -n a; echo b -n", "ab -n\n"],
  ["printf() { :; }", "", 2],
  ["env | grep -c =; printenv NONE; echo $?", "1\n1\n"],
  ["cat /ro/data /ro/data -", "data\ndata\n"],
  ["cat /none /ro/data; echo $?", "data\n1\n"],
  [
    "mkdir a a/b; mkdir a; echo $?; mkdir -p a/b/c/d; ls -R a",
    "1\na:\nb\n\na/b:\nc\n\na/b/c:\nd\n\na/b/c/d:\n",
  ],
  ["touch x; mkdir -p x/y; echo $?; touch -c none; ls", "1\nro\nrw\nx\n"],
  [
    "mkdir d; touch d/f .hid; ls -a; ls -d d; ls -F; ls d none; echo $?",
    ".\n..\n.hid\nd\nro\nrw\nd\nd/\nro/\nrw/\nd:\nf\n1\n",
  ],
  ["touch f; rm f; rm f; echo $?; rm -f f; echo $?; rm ro; echo $?", "1\n0\n1\n"],
  ["mkdir -p t/u; touch t/u/v; rm -r t; ls; rm -rf /; echo $?; rm -r .; echo $?", "ro\nrw\n1\n1\n"],
  ["mkdir d; rmdir d; rmdir ro; echo $?", "1\n"],
  [
    "echo 1 > f; cp f g; cat g; cp f f; echo $?; cp ro x; echo $?; cp f g ro; echo $?",
    "1\n1\n1\n1\n",
  ],
  ["mkdir -p d/e; echo 1 > d/e/f; cp -r d d2; cat d2/e/f; cp -r d /rw; cat /rw/d/e/f", "1\n1\n"],
  ["mkdir d; cp -r d d/x; echo $?; find d", "1\nd\nd/x\n"],
  ["echo 1 > f; mv f g; cat g; mv g /rw/h; cat /rw/h; ls; mv none x; echo $?", "1\n1\nro\nrw\n1\n"],
  ["mkdir -p d/e; echo 1 > d/e/f; mv d /rw; cat /rw/d/e/f; ls", "1\nro\nrw\n"],
  [
    "echo 12345 > f; stat -c '%n %s %F' f ro; stat none; echo $?",
    "f 6 regular file\nro 4096 directory\n1\n",
  ],
  [
    "for n in 1 2 3; do echo $n; done > f; head -n 2 f; head -1 f; tail -n 2 f; tail -n +2 f; head -c 3 f; tail -c 2 f",
    "1\n2\n1\n2\n3\n2\n3\n1\n23\n",
  ],
  [
    "echo abcdef | tail -c +3; echo abc | tail -c+1; echo abc | tail -c +9; echo a | head -n x; echo $?",
    "cdef\nabc\n2\n",
  ],
  [
    "echo 'a b' > f; echo c >> f; wc f; wc -l < f; cat f | wc -c",
    "      2       3       6 f\n2\n6\n",
  ],
  [
    "mkdir -p d/e; touch d/x.c d/e/y.c d/z; find d -name '*.c'; find d -type d; find . -maxdepth 1 -name d; find d -empty -type f -name z",
    "d/e/y.c\nd/x.c\nd\nd/e\n./d\nd/z\n",
  ],
  [
    "echo Abc > f; echo xyz >> f; grep abc f; echo $?; grep -i abc f; grep -n z f; grep -v A f; grep -c . f; grep -F . f; echo $?",
    "1\nAbc\n2:xyz\nxyz\n2\n1\n",
  ],
  [
    "echo a > f; mkdir d; echo a > d/g; grep -r a d; grep -l a f d/g; grep a f d/g none; echo $?; grep '(' f; echo $?",
    "d/g:a\nf\nd/g\nf:a\nd/g:a\n2\n2\n",
  ],
  [
    "[ -d ro ] && [ -f ro/data ] && [ ! -e none ] && [ -s ro/data -a -n x ] && [ -z '' ] && echo all",
    "all\n",
  ],
  [
    "[ 1 -gt 2 -o 2 -ge 2 ] && echo or; [ '(' a = b ')' ] || echo no; [ a; echo $?; test x -eq 1; echo $?; test; echo $?",
    "or\nno\n2\n2\n1\n",
  ],
  ["test constructor toString x; echo $?; test -n; echo $?; test ! ; echo $?", "2\n0\n0\n"],
  ["id -u; id; pwd; cd ro; pwd", "0\nuid=0(root) gid=0(root) groups=0(root)\n/\n/ro\n"],
  ["sleep 0.01; sleep x; echo $?; date +%% ; date -u +%Y | grep -c ^20", "1\n%\n1\n"],
  ["ls -Q; echo $?; echo x > /ro/new; echo $?; rm /ro/data; echo $?", "2\n1\n1\n"],
];

Deno.test("builtins do what programs of their names do", async () => {
  for (const [script, out, code = 0] of SCRIPTS) {
    await using scene = await Scene.open();
    const ran = await scene.sh(script, { env: { ONLY: "one" } });
    assert.equal(ran.out, out, `${script}\n${ran.err}`);
    assert.equal(ran.code, code, script);
  }
});

Deno.test("builtins go through names of every kind", async () => {
  await using scene = await Scene.open();
  for (const name of ["a b", "-n", "*", "x\ny", "名", "'", "$HOME", "n".repeat(255)]) {
    const file = { stdin: "content" };
    const written = await scene.run(["sh", "-c", 'cat > "./$0"', name], file);
    assert.deepEqual([written.code, written.err], [0, ""], name);
    assert.equal((await scene.run(["cat", "--", name])).out, "content");
    assert.equal((await scene.run(["rm", "--", name])).code, 0);
  }
  const long = await scene.run(["touch", "n".repeat(256)]);
  assert.match(long.err, /File name too long/);
});

Deno.test("builtins follow no link out of the view, nor with -r into anything", async () => {
  await using scene = await Scene.open();
  await Deno.symlink("../..", `${scene.root}/up`);
  await Deno.symlink(`${scene.folder}/secret`, `${scene.root}/abs`);
  await Deno.mkdir(`${scene.root}/tree`);
  await Deno.symlink("../rw", `${scene.root}/tree/link`);
  await Deno.writeTextFile(`${scene.folder}/rw/kept`, "");
  for (
    const argv of [
      ["cat", "up/secret"],
      ["cat", "abs"],
      ["cp", "abs", "copy"],
      ["touch", "up/new"],
      ["mkdir", "up/new"],
      ["head", "/up/../secret"],
      ["test", "-e", "abs"],
      ["tar", "cf", "-", "up/secret"],
      ["grep", "-r", "secret", "up"],
    ]
  ) {
    const { out, code } = await scene.run(argv);
    assert.notEqual(code, 0, argv.join(" "));
    assert.ok(!out.includes("secret\n"), argv.join(" "));
  }
  assert.equal((await scene.sh("find / -name secret; grep -r secret /")).out, "");
  assert.equal((await scene.run(["rm", "-r", "tree"])).code, 0);
  assert.ok((await Deno.stat(`${scene.folder}/rw/kept`)).isFile);
  assert.ok((await Deno.stat(`${scene.folder}/secret`)).isFile);
});

Deno.test("builtins bear folders that are deep, and lines that do not end", async () => {
  await using scene = await Scene.open();
  const deep = "d/".repeat(1_000);
  assert.equal((await scene.run(["mkdir", "-p", deep])).err, "");
  assert.equal((await scene.sh("find d | wc -l")).out, "1000\n");
  // Deeper than a path is long: it is told, and nothing breaks.
  const deeper = await scene.run(["mkdir", "-p", `${deep}${deep}${deep}`]);
  assert.match(deeper.err, /File name too long/);
  assert.equal((await scene.sh("cp -r d e && rm -r d e; ls")).out, "ro\nrw\n");
  const zeros = new Uint8Array(5 * 1024 * 1024);
  assert.equal(
    (await scene.sh("echo y > h; cat h >> h; grep y h >> h; wc -c < h")).out.trim(),
    "8",
    "what is written meanwhile is not read",
  );
  assert.equal(
    (await scene.sh("cat > z; head -n 1 z | wc -c; grep -c . z; wc -l < z", { stdin: zeros })).out,
    "5242880\n5\n0\n",
  );
  const endless = { read: () => Promise.resolve(new Uint8Array(64 * 1024)), close: () => {} };
  const tail = await scene.run(["tail", "-n", "100"], { stdin: endless });
  assert.match(tail.err, /larger than/);
});
