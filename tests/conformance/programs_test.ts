import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, LOCAL, Running } from "../guests/running.ts";
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

Deno.test("agnhost serves, and busybox asks it", {
  // The reaper of temporary folders outlives the test.
  sanitizeOps: false,
  sanitizeResources: false,
}, async (t) => {
  const { agnhost, busybox } = await buildPrograms();
  await using folder = await tempFolder();
  const { path } = folder;
  for (const below of ["bin", "etc"]) await Deno.mkdir(join(path, below));
  await Deno.writeFile(join(path, "bin/busybox"), busybox);
  await Deno.writeFile(join(path, "agnhost"), agnhost);
  await Deno.writeTextFile(join(path, "etc/hostname"), "netserver-0\n");
  const [http, udp] = [freePort(), freePort()];
  await using server = new Running(join(path, "agnhost"), {
    flags: ["--allow-net", "--dir", `${path}::/`],
    args: ["netexec", `--http-port=${http}`, `--udp-port=${udp}`],
    stderr: "piped",
  });
  await server.says("Started UDP server");
  await server.says("Started HTTP server");
  const url = `http://${LOCAL}:${http}`;
  const scripts = [
    ["its name", `curl -g -q -s --max-time 15 --connect-timeout 9 ${url}/hostName`, "netserver-0"],
    [
      "its name by UDP",
      `echo hostName | nc -w 1 -u ${LOCAL} ${udp} | grep -v '^$'`,
      "netserver-0\n",
    ],
    [
      "an answer's code",
      `curl -o /dev/null -i -q -s -w %{http_code} '${url}/echo?msg=no&code=418'`,
      "418",
    ],
    ["what it was told", `wget -q -O- --post-data=msg=posted ${url}/echo`, "posted"],
    [
      "what it asks itself",
      `curl -s '${url}/dial?request=hostname&protocol=udp&host=${LOCAL}&port=${udp}&tries=1'`,
      '{"responses":["netserver-0"]}',
    ],
    ["nobody", `curl -s http://${LOCAL}:${freePort()}; echo $?`, "7\n"],
  ] as const;
  for (const [name, script, printed] of scripts) {
    await t.step(name, async () => {
      const { stdout } = await run(path, ["sh", "-c", script], ["--allow-net"]);
      assert.equal(stdout, printed);
    });
  }
});

async function run(
  root: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<{ code: number; stdout: string }> {
  const options = [...flags, "--dir", `${root}::/`, "--env", "V=v", join(root, "bin/busybox")];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", HOST, ...options, ...args],
    stdin: "null",
    stderr: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}
