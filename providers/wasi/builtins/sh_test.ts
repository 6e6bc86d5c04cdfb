import assert from "node:assert/strict";
import { type Ran, type RunOptions, Scene } from "./testing.ts";

/** Scripts, and what they print: all of it on stdout, with code 0 unless it is said. */
const SCRIPTS: readonly (readonly [script: string, out: string, code?: number])[] = [
  [`echo hello`, "hello\n"],
  [`echo a; echo b`, "a\nb\n"],
  [`echo a\necho b # a comment\n`, "a\nb\n"],
  [`echo 'a  b' "c  d" e  f`, "a  b c  d e f\n"],
  [`echo "a\\"b" 'it'"'"'s' \\$x`, `a"b it's $x\n`],
  [`echo "" ''x`, " x\n"],
  [`X=1; echo $X \${X} "$X" '$X'`, "1 1 1 $X\n"],
  [`X="a  b"; echo $X; echo "$X"`, "a b\na  b\n"],
  [`echo \${NONE:-other} \${NONE-x y} "\${HOME:+set}" \${#HOME}`, "other x y set 5\n"],
  [`echo $HOME/x "$NONE" end`, "/home/x  end\n"],
  [`X=shown printenv X; echo "[$X]"`, "shown\n[]\n"],
  [`export X=1; printenv X; unset X; printenv X || echo gone`, "1\ngone\n"],
  [`true && echo yes || echo no`, "yes\n"],
  [`false && echo yes || echo no`, "no\n"],
  [`false; echo $?; true; echo $?; ! true; echo $?`, "1\n0\n1\n"],
  [`exit 7`, "", 7],
  [`(exit 3); echo $?; { echo grouped; }`, "3\ngrouped\n"],
  [`false || exit`, "", 1],
  [`echo b a c | tr 2>/dev/null; echo $?`, "127\n"],
  [`echo one > f; echo two >> f; cat < f; cat f | wc -l`, "one\ntwo\n2\n"],
  [`ls /none 2> err; cat err`, "ls: /none: No such file or directory\n"],
  [`ls /none 2>&1 | cat`, "ls: /none: No such file or directory\n"],
  [`{ echo out; echo err >&2; } 2>&1 >/dev/null | cat`, "err\n"],
  [`echo x >/dev/null; cat </dev/null`, ""],
  [`echo $(echo inner $(echo deep)) "$(printenv HOME)"`, "inner deep /home\n"],
  [`X=$(false); echo $?; X=$(echo a; echo b); echo $X; echo "$X"`, "1\na b\na\nb\n"],
  [`mkdir -p d/e; cd d/e; pwd; cd ..; pwd; cd -; cd /none || pwd`, "/d/e\n/d\n/d/e\n"],
  [`cd ro; (cd /rw; pwd); pwd`, "/rw\n/ro\n"],
  [`if test -d /ro; then echo folder; else echo none; fi`, "folder\n"],
  [`if false; then echo a; elif [ 1 -lt 2 ]; then echo b; fi; echo $?`, "b\n0\n"],
  [`for x in a "b c" $(echo d e); do echo "<$x>"; done`, "<a>\n<b c>\n<d>\n<e>\n"],
  [`for x in 1 2 3; do [ $x = 2 ] && continue; echo $x; done`, "1\n3\n"],
  [`while true; do echo once; break; done; echo $?`, "once\n0\n"],
  [`for a in 1 2; do for b in 1 2; do echo $a$b; break 2; done; done`, "11\n"],
  [`while read line; do echo "got $line"; done`, "got first\ngot second line\n"],
  [`read a b; echo "$b/$a"; cat`, "/first\nsecond line\n"],
  [
    `touch b.txt a.txt .h.txt c; echo *.txt "*.txt" \\*.txt [bc]* none*`,
    "a.txt b.txt *.txt *.txt b.txt c none*\n",
  ],
  [`mkdir g; touch g/x g/y; echo g/* /r[ow]`, "g/x g/y /ro /rw\n"],
  [`set -e; false; echo never`, "", 1],
  [`set -e; false || true; if false; then :; fi; ! true; echo reached`, "reached\n"],
  [`set -- a b; echo $# $1 "$@"; shift; echo $1`, "2 a a b\nb\n"],
  [`echo a \\\n b`, "a b\n"],
  [`echo a|cat|cat&&echo b`, "a\nb\n"],
  [`sh -c 'echo $0 $1' name arg; /bin/sh -c 'exit 9'; echo $?`, "name arg\n9\n"],
  [`echo {a,b} a=b }`, "{a,b} a=b }\n"],
  [`constructor; echo $?; toString=1; echo $toString`, "127\n1\n"],
  [`echo first | while read x; do echo "in $x"; done; echo "[$x]"`, "in first\n[]\n"],
];

async function sh(script: string, options: RunOptions = {}): Promise<Ran> {
  await using scene = await Scene.open();
  return await scene.sh(script, {
    env: { HOME: "/home" },
    stdin: "first\nsecond line\n",
    ...options,
  });
}

Deno.test("sh() runs scripts as a shell does", async () => {
  for (const [script, out, code = 0] of SCRIPTS) {
    const ran = await sh(script);
    assert.equal(ran.out, out, `${script}\n${ran.err}`);
    assert.equal(ran.code, code, script);
  }
});

Deno.test("sh() says what it cannot do, with code 2, and runs none of it", async () => {
  const wrong = {
    "echo a; if true": /unexpected end of the script/,
    "echo a; 'b": /unexpected end of the script after '/,
    "echo a; )": /unexpected "\)"/,
    "echo a; fi": /unexpected "fi"/,
    "echo a; | b": /unexpected "\|"/,
    "echo a &": /background/,
    "echo a; cat <<E": /here-document/,
    "f() { echo a; }": /functions/,
    "echo a; case x in esac": /there is no "case" here/,
    "echo a $((1+1))": /arithmetic/,
    "echo a; echo ${x%y}": /no such way/,
    "echo a `b`": /backquotes/,
  };
  for (const [script, message] of Object.entries(wrong)) {
    const { out, err, code } = await sh(script);
    assert.equal(out, "", script);
    assert.match(err, message, script);
    assert.equal(code, 2, script);
  }
});

Deno.test("sh() says what is not found, and what it cannot run", async () => {
  await using scene = await Scene.open();
  await Deno.writeTextFile(`${scene.root}/app.wasm`, "");
  const { err, out } = await scene.sh("nope; echo $?; /app.wasm; echo $?; ./app.wasm; echo $?");
  assert.equal(out, "127\n126\n126\n");
  assert.match(err, /^nope: not found/);
});

Deno.test("sh() passes bytes through pipes as they are, and ends who writes for nobody", async () => {
  await using scene = await Scene.open();
  const bytes = new Uint8Array(3_000_000).map((_, index) => (index * 31) % 251);
  const ran = await scene.sh("cat | cat | cat", { stdin: bytes });
  assert.deepEqual(ran.outBytes, bytes);
  let read = 0;
  const endless = {
    read: () => {
      read++;
      return Promise.resolve(new TextEncoder().encode("line\n"));
    },
    close: () => {},
  };
  const { out, code } = await scene.sh("cat | head -n 3", { stdin: endless });
  assert.equal(out, "line\nline\nline\n");
  assert.equal(code, 0);
  assert.ok(read < 10, `${read} reads`);
  const loop = await scene.sh("while true; do echo x; done | head -n 1; echo done");
  assert.equal(loop.out, "x\ndone\n");
});

Deno.test("sh() reads commands line by line, and asks where there is a terminal", async () => {
  await using scene = await Scene.open();
  const stdin = 'cd /ro\nif true\nthen cat data; fi\n"\n"; nonsense (\nexit 4\nnever\n';
  const { out, err, code } = await scene.run(["sh"], { stdin, tty: true });
  assert.equal(out, "/ # /ro # > data\n/ro # > /ro # ");
  assert.match(err, /functions/);
  assert.equal(code, 4);
  const quiet = await scene.run(["sh"], { stdin: "read x\nvalue\necho $x\ncat\nrest\n" });
  assert.equal(quiet.out, "value\nrest\n");
  const ended = await scene.run(["sh"], { stdin: "false\n", tty: true });
  assert.deepEqual([ended.out, ended.code], ["/ # / # \n", 1]);
});

Deno.test("sh() bears scripts that are deep, long or without end", async () => {
  await using scene = await Scene.open();
  const deep = await scene.sh("(".repeat(5_000));
  assert.match(deep.err, /nested too deeply/);
  const substitutions = await scene.sh(`echo ${"$(".repeat(5_000)}`);
  assert.match(substitutions.err, /nested too deeply/);
  const braces = await scene.sh(`echo ${"${a:-".repeat(5_000)}`);
  assert.match(braces.err, /nested too deeply/);
  assert.equal((await scene.sh(`echo ${"${a:-x}".repeat(500)}`)).out, `${"x".repeat(500)}\n`);
  const words = "a ".repeat(300_000);
  const many = await scene.sh("for one in $(cat); do echo $one; break; done", { stdin: words });
  assert.equal(many.out, "a\n");
  assert.equal((await scene.sh("echo $(cat)", { stdin: words })).out.length, words.length);
  const long = await scene.sh(`echo ${"x".repeat(1024 * 1024)}`);
  assert.match(long.err, /longer than/);
  const much = await scene.sh("echo $(cat)", { stdin: new Uint8Array(1024 * 1024 + 1) });
  assert.match(much.err, /larger than/);
});
