import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempFolder } from "../harness/temp_folder.ts";
import { buildPrograms } from "./programs.ts";

const HOST = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));

/** Scripts as the suite has them, and what each prints. */
const SCRIPTS = [
  ["pipes, loops and counts", "for i in 1 2 3; do echo $i; done | grep -v 2 | wc -l", "2\n"],
  [
    "a count in a file",
    "n=$(echo x >> /t/f; wc -l /t/f | awk {'print $1'}); [ $n -eq 1 ] && echo $n",
    "1\n",
  ],
  [
    "redirection and lists",
    "echo ok >/t/h; cat /t/h; rm -rf /t/h; cat /t/h || echo gone",
    "ok\ngone\n",
  ],
  ["a tool by its path", "/bin/echo -n DONE; /bin/false || echo no", "DONEno\n"],
  ["tests of the newer kind", '[[ "${V:?}" == "v" ]] && echo OK', "OK\n"],
  ["exported variables", "W=2; export X=3; env | grep -E '^[WX]='", "X=3\n"],
  ["traps on signals", "trap exit TERM && echo on", "on\n"],
  ["what is found", "touch /t/a; find /t -type f -name a; test -d /t; echo $?", "/t/a\n0\n"],
  ["bytes", "printf 'AB' > /t/b; hexdump -C /t/b | head -n 1 | cut -d ' ' -f 3", "41\n"],
  ["a file that cannot be made", "(echo x > /no/f) 2>&1 | grep -c 'create /no/f: No'", "1\n"],
  ["a program that is not there", "/crash/missing; echo $?", "127\n"],
] as const;

Deno.test("busybox runs the suite's scripts", {
  // The reaper of temporary folders outlives the test.
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  const { busybox } = await buildPrograms();
  await using folder = await tempFolder();
  const { path } = folder;
  for (const below of ["bin", "t"]) await Deno.mkdir(join(path, below));
  await Deno.writeFile(join(path, "bin/busybox"), busybox);
  for (const tool of ["echo", "false"]) await Deno.symlink("busybox", join(path, "bin", tool));
  for (const [name, script, printed] of SCRIPTS) {
    await t.step(name, async () => {
      const { code, stdout } = await run(path, ["sh", "-c", script]);
      assert.equal(stdout, printed);
      assert.equal(code, 0);
    });
  }
  await t.step("exit codes, without waiting for what runs behind", async () => {
    const beganMs = performance.now();
    assert.equal((await run(path, ["sh", "-c", "sleep 60 & exit 3"])).code, 3);
    assert.ok(performance.now() - beganMs < 30_000);
  });
});

async function run(
  root: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const options = ["--dir", `${root}::/`, "--env", "V=v", join(root, "bin/busybox")];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", HOST, ...options, ...args],
    stdin: "null",
    stderr: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}
