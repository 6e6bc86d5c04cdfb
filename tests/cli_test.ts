/** The program without a cluster: its words, its mistakes, and `krustlet run`. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guest } from "./guests/build.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home of its own, so that nobody's files take part. */
async function withHome(use: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "krustlet-cli-" });
  try {
    await use(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

function command(home: string, args: readonly string[]): Deno.Command {
  const cache = Deno.env.get("DENO_DIR") ??
    join(Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "", ".cache"), "deno");
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { HOME: home, TMPDIR: home, DENO_DIR: cache, NO_COLOR: "1", KUBECONFIG: "" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function krustlet(home: string, ...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await command(home, args).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("krustlet --help and --version are for people, on stdout", async () => {
  await withHome(async (home) => {
    const help = await krustlet(home, "--help");
    assert.equal(help.code, 0);
    for (const word of ["--node-ip", "--bootstrap-file", "KRUSTLET_PORT", "default: 3000", "run"]) {
      assert.ok(help.stdout.includes(word), `no ${word} in the help`);
    }
    assert.ok(help.stdout.split("\n").every((line) => line.length <= 100), "a line is too long");
    assert.match((await krustlet(home, "run", "--help")).stdout, /Usage: krustlet run/);
    const version = await krustlet(home, "--version");
    assert.match(version.stdout, /^krustlet \d+\.\d+\.\d+\S*\n$/);
  });
});

Deno.test("krustlet refuses what it does not understand, and says what it would", async () => {
  await withHome(async (home) => {
    const unreadable = join(home, "config.json");
    await Deno.writeTextFile(unreadable, `{ "nodeName": "a" "port": 1 }`);
    const table: [string[], RegExp][] = [
      [["--nodeip", "10.0.0.1"], /--nodeip.*--node-ip/],
      [["--port", "70000"], /--port "70000".*65535/],
      [["--node-ip", "no-address"], /--node-ip "no-address"/],
      [["--config", unreadable], /config\.json.*line 1/s],
      [["--config", join(home, "missing.json")], /missing\.json": there is no such file/],
      [["destroy"], /"destroy".*start, run, bootstrap/s],
      [["run"], /no file was given/],
      [["run", join(home, "missing.yaml")], /missing\.yaml": no such file/],
      [[], /neither a kubeconfig .* nor a bootstrap file .*krustlet bootstrap/s],
    ];
    for (const [args, message] of table) {
      const { code, stderr } = await krustlet(home, ...args);
      assert.equal(code, 2, `${args}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, `more than a sentence: ${stderr}`);
    }
    const fromFile = await krustlet(home, "--config", await configWith(home, { listenerPort: -1 }));
    assert.match(fromFile.stderr, /key "listenerPort" in .*given\.json -1/);
  });
});

async function configWith(home: string, content: unknown): Promise<string> {
  const path = join(home, "given.json");
  await Deno.writeTextFile(path, JSON.stringify(content));
  return path;
}

Deno.test("krustlet run passes a module's words and exit code through", async () => {
  await withHome(async (home) => {
    const hello = await krustlet(home, "run", await guest("hello"));
    assert.deepEqual([hello.code, hello.stdout], [0, "Hello, world!\n"]);
    assert.equal((await krustlet(home, "run", await guest("exit_42"))).code, 42);
    const trap = await krustlet(home, "run", await guest("trap"));
    assert.equal(trap.code, 134);
    assert.match(trap.stderr, /unreachable/);
  });
});

Deno.test("krustlet run takes a manifest with its ConfigMap and Secret", async () => {
  await withHome(async (home) => {
    await Deno.copyFile(await guest("go_exerciser"), join(home, "exerciser.wasm"));
    const manifest = join(home, "pod.yaml");
    await Deno.writeTextFile(
      manifest,
      `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: hello from a file }
---
apiVersion: v1
kind: Secret
metadata: { name: keys }
stringData: { word: sesame }
---
apiVersion: v1
kind: Pod
metadata: { name: reader }
spec:
  restartPolicy: Never
  volumes:
    - { name: settings, configMap: { name: settings } }
  containers:
    - name: first
      image: file:./exerciser.wasm
      args: ["read(file:/settings/greeting)to(var:a)", "write(var:a)to(stm:stdout)"]
      volumeMounts: [{ name: settings, mountPath: /settings }]
    - name: second
      image: file:./exerciser.wasm
      args: ["read(env:WORD)to(var:a)", "write(var:a)to(stm:stdout)"]
      env: [{ name: WORD, valueFrom: { secretKeyRef: { name: keys, key: word } } }]
`,
    );
    const { code, stdout, stderr } = await krustlet(home, "run", manifest);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^first {2}\| .*hello from a file/m);
    assert.match(stdout, /^second \| .*sesame/m);
    assert.match(stderr, /reader\/first: Completed \(exit code 0\)/);
  });
});

Deno.test("krustlet run does not wait for what will never come", async () => {
  await withHome(async (home) => {
    const pod = (image: string, more = ""): string =>
      `{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"${image}"}]${more}}}`;
    const table: [string, RegExp][] = [
      [pod("file:./missing.wasm"), /missing\.wasm/],
      [pod("127.0.0.1:9/none:v1"), /127\.0\.0\.1:9/],
      [pod("file:./x.wasm", `,"hostPID":true`), /hostPID/],
    ];
    for (const [text, message] of table) {
      const path = join(home, "pod.json");
      await Deno.writeTextFile(path, text);
      const { code, stderr } = await krustlet(home, "run", path);
      assert.equal(code, 125, stderr);
      assert.match(stderr, message);
    }
  });
});

Deno.test("Ctrl-C ends a run within its grace period, and leaves nothing behind", async () => {
  await withHome(async (home) => {
    const child = command(home, ["run", "--grace-period", "1s", await guest("spin")]).spawn();
    const errors = child.stderr.getReader();
    let text = "";
    while (!text.includes("Running")) {
      const { value, done } = await errors.read();
      assert.ok(!done, `it ended before it ran: ${text}`);
      text += new TextDecoder().decode(value);
    }
    const fromMs = performance.now();
    // A terminal sends it to all processes; the guest leaves it to the agent.
    for (const pid of await childrenOf(child.pid)) Deno.kill(pid, "SIGINT");
    child.kill("SIGINT");
    const { code } = await child.status;
    assert.equal(code, 130);
    const tookMs = performance.now() - fromMs;
    assert.ok(tookMs >= 1_000 && tookMs < 8_000, `it took ${tookMs} ms`);
    for (let part = await errors.read(); !part.done; part = await errors.read()) {
      text += new TextDecoder().decode(part.value);
    }
    assert.match(text, /exit code 137/);
    await child.stdout.cancel();
    const { stdout } = await new Deno.Command("pgrep", { args: ["-f", home] }).output();
    assert.equal(new TextDecoder().decode(stdout), "", "a process is left");
  });
});

Deno.test("krustlet run ends without a word when nobody reads its output any more", async () => {
  await withHome(async (home) => {
    const args = ["run", "--grace-period", "1s", await guest("ticks")];
    const child = command(home, args).spawn();
    const errors = child.stderr.text();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const { code } = await child.status;
    const said = await errors;
    assert.equal(code, 141, said);
    assert.doesNotMatch(said, /Broken|\n\s+at /);
    assert.deepEqual(await workFolders(home), []);
  });
});

Deno.test("a second Ctrl-C ends a run at once, and leaves no folder behind", async () => {
  await withHome(async (home) => {
    const args = ["run", "--grace-period", "60s", await guest("spin")];
    const child = command(home, args).spawn();
    const errors = child.stderr.text();
    const reader = child.stdout.getReader();
    await reader.read();
    assert.equal((await workFolders(home)).length, 1);
    let over = false;
    const ended = child.status.finally(() => over = true);
    // Two at the same time may arrive as one.
    while (!over) {
      child.kill("SIGINT");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await ended).code, 1, await errors);
    await reader.cancel();
    assert.deepEqual(await workFolders(home), []);
  });
});

/** The folders of runs that are there. */
async function workFolders(home: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(home));
  return entries.map(({ name }) => name).filter((name) => name.startsWith("krustlet-run-"));
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-P", String(pid)] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}
