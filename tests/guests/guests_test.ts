/** What each guest is for, and that it does it: run by `wasi/cli.ts` alone, as a process. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { buildGuests } from "./build.ts";
import { clusterTest } from "../harness/testbed.ts";

/** The promise of each guest. `ends` is its exit code, or "never". */
const GUESTS: Readonly<Record<string, { ends: number | "never"; says?: RegExp }>> = {
  "wat/accept_only.wat": { ends: 8 }, // errno badf: it was handed no listener
  "wat/cat.wat": { ends: 0, says: /^reading\n$/ },
  "wat/eat_memory.wat": { ends: 134, says: /unreachable/ },
  "wat/exit_3.wat": { ends: 3 },
  "wat/exit_42.wat": { ends: 42 },
  "wat/hello.wat": { ends: 0, says: /^Hello, world!\n$/ },
  "wat/log_flood.wat": { ends: 0, says: /^x{10}/ },
  "wat/no_start.wat": { ends: 125, says: /_start/ },
  "wat/open_forever.wat": { ends: 8 }, // errno badf: it has no root here
  "wat/sleep.wat": { ends: "never", says: /^sleeping\n$/ },
  "wat/spin.wat": { ends: "never", says: /^spinning\n$/ },
  "wat/stack_overflow.wat": { ends: 134, says: /stack/ },
  "wat/thread_storm.wat": { ends: "never" },
  "wat/threads.wat": { ends: 7, says: /^two threads\n$/ },
  "wat/ticks.wat": { ends: 0, says: /^(tick\n){30}$/ },
  "wat/trap.wat": { ends: 134, says: /unreachable[\s\S]*break_the_glass[\s\S]*handle_request/ },
  "wat/trap_memory.wat": { ends: 134, says: /out of bounds/ },
  "wat/unknown_import.wat": { ends: 125, says: /launch_missiles/ },
  "go/exerciser": { ends: 1, says: /ERR: Failed with Error parsing command 'one': / },
  "go/lines": { ends: 2, says: /parsing "two": invalid syntax/ },
  "go/sockets": { ends: 1, says: /cannot understand \["one" "two"\]/ },
  "go/watcher": { ends: 2, says: /^usage: watcher FOLDER END FILE/ },
  "go/hello": { ends: 0, says: /WORD=x\nArgs are: \["one" "two"\]/ },
  "gonet/faults": { ends: 1, says: /cannot understand \["one" "two"\]/ },
  "gonet/health": { ends: 1, says: /cannot understand \["one" "two"\]/ },
  "gonet/web": { ends: 1, says: /cannot understand \["one" "two"\]/ },
  "assemblyscript/hello.as": { ends: 0, says: /WORD=x\nArgs are: \[one, two\]/ },
  "rust/hello.rs": { ends: 0, says: /WORD=x\nArgs are: \["one", "two"\]/ },
  "cargo/echo.rs": { ends: 2, says: /^usage: echo tcp ADDRESS/ },
  "cargo/hello.rs": { ends: 1, says: /^Error: / },
};

const CLI = fileURLToPath(new URL("../../wasi/cli.ts", import.meta.url));
/** A guest that never ends has by then said what it has to say. */
const NEVER_MS = 3_000;

clusterTest("every guest has a promise, and every promise a guest", async () => {
  const found: string[] = [];
  for (const folder of ["wat", "go", "gonet", "assemblyscript", "rust", "cargo"]) {
    const sources = folder === "cargo" ? "cargo/src/bin" : folder;
    for await (const { name } of Deno.readDir(new URL(sources, import.meta.url))) {
      if (!/^go\.(mod|sum)$|\.ts$/.test(name)) found.push(`${folder}/${name}`);
    }
  }
  assert.deepEqual(found.sort(), Object.keys(GUESTS).sort());
});

clusterTest("every guest keeps its promise", async () => {
  const built = await buildGuests();
  for (const [source, { ends, says = /^$/ }] of Object.entries(GUESTS)) {
    const path = built.get(nameOf(source));
    // The one language that may be missing; build.ts says so.
    if (path === undefined && /^(rust|cargo)\//.test(source)) continue;
    assert.ok(path, `${source} is built`);
    const { code, signal, output } = await run(path, ends === "never");
    if (ends === "never") assert.equal(signal, "SIGKILL", source);
    else assert.equal(code, ends, `${source}: ${output}`);
    assert.match(output, says, source);
  }
});

/** `wat/trap.wat` is `trap`, `go/hello` is `go_hello`. */
function nameOf(source: string): string {
  const [folder = "", file = ""] = source.split("/");
  const name = file.replace(/\.\w+$/, "");
  return folder === "wat" ? name : `${folder}_${name}`;
}

async function run(
  path: string,
  endless: boolean,
): Promise<{ code: number; signal: Deno.Signal | null; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "--env", "WORD=x", path, "one", "two"],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = endless ? setTimeout(() => child.kill("SIGKILL"), NEVER_MS) : undefined;
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, signal, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
