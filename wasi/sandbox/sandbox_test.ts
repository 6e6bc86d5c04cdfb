import assert from "node:assert/strict";
import type { Deed, Sentence } from "./_test_inmate.ts";
import type { SandboxReport } from "./report.ts";
import { openSandbox } from "./sandbox.ts";

const INMATE = new URL("./_test_inmate.ts", import.meta.url).href;
/** Set to `landlock` on a machine whose kernel has none; without it, having none is a failure. */
const WITHOUT = (Deno.env.get("KRUSTLET_TESTS_WITHOUT") ?? "").split(",");

/** Runs a process that locks itself in, and tells what came of each deed. */
async function serve(
  sentence: Sentence,
  permissions: readonly string[] = ["-A"],
): Promise<{ entered: unknown; results: string[] }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...permissions, INMATE, JSON.stringify(sentence)],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Folders of a guest, and what lies beside them. */
class World implements Disposable {
  readonly path = Deno.makeTempDirSync();
  readonly wishes = { readOnly: [`${this.path}/ro`], readWrite: [`${this.path}/rw`] };

  constructor() {
    for (const folder of ["ro", "ro/sub", "rw", "rw/sub", "outside"]) {
      Deno.mkdirSync(`${this.path}/${folder}`);
    }
    for (const file of ["secret", "ro/file", "rw/file", "rw/other", "outside/file"]) {
      Deno.writeTextFileSync(`${this.path}/${file}`, file);
    }
    Deno.symlinkSync(`${this.path}/secret`, `${this.path}/rw/leads-out`);
    Deno.symlinkSync("../outside", `${this.path}/rw/leads-up`);
  }

  /** Puts the world's path before each that begins with a slash. */
  at(deeds: Readonly<Record<string, readonly Deed[]>>): [string, Deed][] {
    return Object.entries(deeds).flatMap(([expected, list]) =>
      list.map(([what, ...parameters]): [string, Deed] => [expected, [
        what,
        ...parameters.map((one) =>
          typeof one === "string" ? one.replace(/^\//, `${this.path}/`) : one
        ),
      ]])
    );
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Checks what came of each deed, by the answer that is expected of it. */
async function assertDeeds(
  sentence: Omit<Sentence, "deeds">,
  expected: readonly (readonly [string, Deed])[],
): Promise<unknown> {
  const { entered, results } = await serve({
    ...sentence,
    deeds: expected.map(([, deed]) => deed),
  });
  const told = (answers: readonly string[]): string[] =>
    answers.map((answer, index) => `${expected[index]![1].join(" ")}: ${answer}`);
  assert.deepEqual(told(results), told(expected.map(([answer]) => answer)));
  return entered;
}

Deno.test("openSandbox() does without leave to open libc, and says so", async () => {
  const { entered } = await serve({ walls: "all", wishes: {}, deeds: [] }, ["--allow-read=/none"]);
  const { landlock, seccomp, permissions, missing } = entered as SandboxReport;
  assert.deepEqual([landlock, seccomp, permissions], [undefined, false, true]);
  const why = Deno.build.os === "linux" ? /the C library cannot be opened/ : /a part of Linux/;
  assert.match(missing.join("; "), why);
});

if (Deno.build.os === "linux" && !WITHOUT.includes("landlock")) {
  Deno.test("this machine's kernel has Landlock (else set KRUSTLET_TESTS_WITHOUT=landlock)", () => {
    using sandbox = openSandbox();
    assert.ok(sandbox.support.landlock !== undefined, sandbox.support.missing.join("; "));
    assert.ok(sandbox.support.landlock.abi >= 4, "older kernels than 6.7 leave TCP ports open");
    assert.deepEqual(sandbox.support.missing, []);
  });

  Deno.test("Landlock alone keeps a process to its folders", async () => {
    using world = new World();
    const deeds = world.at({
      "ok": [
        ["read", "/ro/file"],
        ["list", "/ro/sub"],
        ["read", "/rw/file"],
        ["create", "/rw/new"],
        ["open to truncate", "/rw/file"],
        ["truncate", "/rw/file"],
        ["mkdir", "/rw/folder"],
        ["rename", "/rw/new", "/rw/folder/new"],
        ["link", "/rw/folder/new", "/rw/linked"],
        ["symlink", "../secret", "/rw/points-out"],
        ["remove", "/rw/linked"],
      ],
      "EACCES": [
        ["read", "/secret"],
        ["list", "/"],
        ["read", "/outside/file"],
        ["read", "/rw/../secret"],
        ["read", "/rw/leads-out"],
        ["read", "/rw/points-out"],
        ["write", "/rw/leads-out"],
        ["create", "/rw/leads-up/new"],
        ["list", "/rw/leads-up"],
        ["create", "/new"],
        ["mkdir", "/folder"],
        ["remove", "/secret"],
        ["remove", "/outside/file"],
        ["truncate", "/secret"],
        ["write", "/ro/file"],
        ["create", "/ro/new"],
        ["truncate", "/ro/file"],
        ["open to truncate", "/ro/file"],
        ["mkdir", "/ro/folder"],
        ["remove", "/ro/file"],
        ["symlink", "file", "/ro/symlink"],
        ["rename", "/ro/file", "/ro/renamed"],
        ["rename", "/rw/other", "/ro/moved"],
        ["rename", "/rw/other", "/outside/moved"],
        ["rename", "/outside/file", "/rw/moved"],
      ],
      // The kernel's word for a link that would gain rights.
      "EXDEV": [
        ["link", "/ro/file", "/rw/gained"],
        ["link", "/secret", "/rw/gained"],
      ],
    });
    const [readOnly, readWrite, create] = [0, 2, 0o102];
    const anywhere: [string, Deed][] = [
      ["errno 13", ["raw open", "/etc/passwd", readOnly]],
      ["errno 13", ["raw open", `${world.path}/secret`, readOnly]],
      ["errno 13", ["raw open", `${world.path}/ro/file`, readWrite]],
      ["errno 13", ["raw open", `${world.path}/ro/made`, create]],
      ["errno 13", ["raw open", "/proc/self/mem", readWrite]],
      ["ok", ["raw open", `${world.path}/rw/file`, readWrite]],
      ["EACCES", ["read", "/etc/passwd"]],
      ["EACCES", ["read", "/proc/self/mem"]],
      ["EACCES", ["write", "/proc/self/mem"]],
      ["EACCES", ["read", "/proc/self/environ"]],
      ["EACCES", ["read", "/dev/null"]],
      ["EACCES", ["list", "/dev"]],
      ["EACCES", ["run", "/bin/true"]],
    ];
    await assertDeeds({ walls: "landlock", wishes: world.wishes }, [...deeds, ...anywhere]);
    assert.equal(await Deno.readTextFile(`${world.path}/secret`), "secret");
    assert.equal(await Deno.readTextFile(`${world.path}/ro/file`), "ro/file");
  });

  Deno.test("Landlock alone: the same deeds succeed without it", async () => {
    using world = new World();
    const deeds = world.at({
      "ok": [
        ["read", "/secret"],
        ["read", "/rw/leads-out"],
        ["write", "/ro/file"],
        ["rename", "/rw/other", "/ro/moved"],
        ["link", "/ro/file", "/rw/gained"],
      ],
    });
    await assertDeeds({ walls: "none", wishes: {} }, [
      ...deeds,
      ["ok", ["read", "/etc/passwd"]],
      ["ok", ["run", "/bin/true"]],
      ["ok", ["kill", Deno.pid]],
      ["ok", ["socket", 1, 1]],
      ["ok", ["in a worker", "/etc/passwd"]],
    ]);
  });

  Deno.test("Landlock alone lets a folder for logs hold files, and no traps for who reads them", async () => {
    using world = new World();
    const wishes = { logs: [`${world.path}/outside`], readWrite: [`${world.path}/rw`] };
    await assertDeeds({ walls: "landlock", wishes }, [
      ...world.at({
        ok: [
          ["create", "/outside/1.log"],
          ["write", "/outside/1.log"],
          ["truncate", "/outside/1.log"],
          ["rename", "/outside/1.log", "/outside/1.log.old"],
          ["list", "/outside"],
          ["remove", "/outside/1.log.old"],
          ["symlink", "../secret", "/rw/planted"],
        ],
        EACCES: [
          ["read", "/outside/file"],
          ["symlink", "../secret", "/outside/2.log"],
          ["mkdir", "/outside/folder"],
          ["rename", "/rw/planted", "/outside/2.log"],
        ],
        EXDEV: [
          ["link", "/rw/file", "/outside/2.log"],
        ],
      }),
    ]);
  });

  Deno.test("Landlock alone opens a single file, and a program that may be read is not run", async () => {
    using world = new World();
    const wishes = { files: [`${world.path}/secret`, "/bin/true"] };
    await assertDeeds({ walls: "landlock", wishes }, [
      ...world.at({
        ok: [["read", "/secret"]],
        EACCES: [["write", "/secret"], ["read", "/ro/file"]],
      }),
      ["ok", ["read", "/bin/true"]],
      ["EACCES", ["run", "/bin/true"]],
    ]);
  });

  Deno.test("Landlock alone holds threads that start later", async () => {
    using world = new World();
    await assertDeeds({ walls: "landlock", wishes: world.wishes }, [
      ...world.at({ ok: [["in a worker", "/ro/file"]], EACCES: [["in a worker", "/secret"]] }),
    ]);
  });

  Deno.test("Landlock alone keeps a process to its TCP ports", async () => {
    using mine = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    using other = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const [free, taken] = [mine.addr.port, other.addr.port];
    using spare = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const port = spare.addr.port;
    spare.close();
    const walls = "landlock";
    await assertDeeds({ walls, wishes: { network: { bindTcp: [port], connectTcp: [free] } } }, [
      ["ok", ["listen", port]],
      ["EACCES", ["listen", port === 65_535 ? 65_534 : port + 1]],
      ["EACCES", ["listen", 0]],
      ["ok", ["connect", free]],
      ["EACCES", ["connect", taken]],
    ]);
    await assertDeeds({ walls, wishes: { network: { bindTcp: "any", connectTcp: "any" } } }, [
      ["ok", ["listen", 0]],
      ["ok", ["connect", taken]],
    ]);
    await assertDeeds({ walls, wishes: {} }, [
      ["EACCES", ["listen", 0]],
      ["EACCES", ["connect", free]],
    ]);
  });

  Deno.test("Landlock alone sends no signal to others", async () => {
    await assertDeeds({ walls: "landlock", wishes: {} }, [
      ["errno 1", ["kill", Deno.pid]],
      ["ok", ["kill self"]],
      ["ok", ["signal own thread"]],
    ]);
  });

  for (const abi of [1, 2, 3, 4, 5, 6]) {
    Deno.test(`Landlock as of ABI ${abi} reads and writes no less than it should`, async () => {
      using world = new World();
      const deeds = world.at({
        ok: [["read", "/ro/file"], ["create", "/rw/new"], ["open to truncate", "/rw/file"]],
        EACCES: [["read", "/secret"], ["write", "/ro/file"], ["read", "/rw/leads-out"]],
        [abi === 1 ? "EXDEV" : "ok"]: [["rename", "/rw/file", "/rw/sub/file"]],
      });
      const again = world.at({ ok: [["read", "/ro/file"], ["create", "/rw/newer"]] });
      await assertDeeds({ walls: "landlock", abi, wishes: world.wishes }, [...deeds, ...again]);
    });
  }

  Deno.test("enter() refuses a wish that is no folder or file", async () => {
    using world = new World();
    const why = async (wishes: Sentence["wishes"]): Promise<string> =>
      await serve({ walls: "all", wishes, deeds: [] }).then(() => "entered", String);
    const { path } = world;
    assert.match(
      await why({ readOnly: [`${path}/missing`] }),
      /Cannot allow folder ".*\/missing" in the sandbox: it does not exist/,
    );
    assert.match(await why({ readWrite: [`${path}/secret`] }), /it is no folder/);
    assert.match(
      await why({ files: [`${path}/ro`] }),
      /Cannot allow file ".*\/ro".*it is a folder/,
    );
    assert.match(await why({ files: [`/${"x".repeat(9_000)}`] }), /its path is too long/);
    assert.match(await why({ readOnly: ["relative"] }), /it is no absolute path/);
    const link = `${path}/link`;
    await Deno.symlink("ro", link);
    assert.match(
      await why({ readOnly: [link], exact: [link] }),
      /Cannot allow folder ".*\/link" in the sandbox: a link is in this path, which must have none/,
    );
    for (const exact of [[], [`${path}/ro`]]) {
      assert.equal(await why({ readOnly: [link, `${path}/ro`], exact }), "entered");
    }
  });

  Deno.test("enter() tells what stands, with the permissions that are left", async () => {
    const free = await serve({ walls: "all", wishes: {}, deeds: [] });
    const { landlock, seccomp, openat2, permissions } = free.entered as SandboxReport;
    assert.ok(landlock !== undefined && landlock.abi > 0 && landlock.covered.includes("files"));
    assert.deepEqual([seccomp, openat2, permissions], [true, true, false]);
    using folder = new World();
    const cut = await serve(
      {
        walls: "all",
        revokeFfi: true,
        wishes: {},
        deeds: [["read", `${folder.path}/secret`]],
      },
      ["--allow-ffi", `--allow-read=${folder.path}`],
    );
    assert.equal((cut.entered as SandboxReport).permissions, true);
    assert.deepEqual(cut.results, ["EACCES"], "allowed by Deno, refused by the kernel");
  });

  for (
    const [errno, says] of [
      [38, /this kernel has no Landlock; it came with Linux 5\.13/],
      [95, /Landlock is switched off; add landlock to the kernel's parameter lsm=/],
      [1, /a filter around this process forbids Landlock/],
      [5, /the kernel refused Landlock \(errno 5\)/],
    ] as const
  ) {
    Deno.test(`enter() goes on without Landlock, and says why (errno ${errno})`, async () => {
      const { entered, results } = await serve({
        walls: "all",
        landlockErrno: errno,
        wishes: {},
        deeds: [["read", "/etc/passwd"], ["socket", 1, 1]],
      });
      const report = entered as SandboxReport;
      assert.equal(report.landlock, undefined);
      assert.match(report.missing.join("; "), says);
      assert.deepEqual(results, ["ok", "errno 13"], "the other walls stand");
    });
  }
}

if (Deno.build.os === "linux") {
  Deno.test("the filter of system calls alone keeps a process to itself", async () => {
    using world = new World();
    await assertDeeds({ walls: "seccomp", wishes: {} }, [
      ...world.at({
        ok: [["read", "/secret"], ["write", "/ro/file"]],
        EPERM: [["chmod", "/secret"]],
      }),
      ["EPERM", ["run", "/bin/true"]],
      ["errno 1", ["kill", Deno.pid]],
      ["ok", ["kill self"]],
      ["ok", ["signal own thread"]],
      ["errno 1", ["ptrace"]],
      ["errno 1", ["unshare"]],
      ["errno 1", ["outlive the parent"]],
      ["errno 38", ["newest call"]],
      ["errno 13", ["socket", 1, 1]],
      ["errno 13", ["socket", 16, 3]],
      ["ok", ["socket", 2, 1]],
      ["ok", ["socket", 10, 2]],
      ["7", ["wasm"]],
      ["ok", ["in a worker", "/etc/passwd"]],
      ["ok", ["listen", 0]],
    ]);
  });

  Deno.test("the filter of system calls alone closes side doors to other processes", async () => {
    using world = new World();
    await using victim = new Deno.Command("sleep", { args: ["600"] }).spawn();
    const deeds = (signal: string, datagrams: string): [string, Deed][] => [
      [signal, ["signal by a pipe", victim.pid]],
      [datagrams, ["datagrams to", `${world.path}/nobody`]],
    ];
    await assertDeeds({ walls: "seccomp", wishes: {} }, deeds("errno 1", "errno 13"));
    await assertDeeds({ walls: "none", wishes: {} }, deeds("ok", "errno 2"));
    assert.equal((await victim.status).signal, "SIGKILL", "without the filter it works");
  });

  Deno.test("the filter of system calls is around every thread of the process", async () => {
    const { results } = await serve({
      walls: "seccomp",
      wishes: {},
      deeds: [["filtered threads"]],
    });
    const [held, all] = results[0]!.split(" of ");
    assert.ok(Number(all) > 1, "there are helpers");
    assert.equal(held, all);
  });

  Deno.test("all walls leave a guest the sockets that it may have, and V8 what it needs", async () => {
    await assertDeeds({ walls: "all", wishes: {} }, [
      ["ok", ["stack trace"]],
      ["errno 13", ["socket", 2, 1]],
      ["errno 13", ["socket", 2, 2]],
      ["7", ["wasm"]],
      ["EACCES", ["in a worker", "/etc/passwd"]],
    ]);
    await assertDeeds({ walls: "all", wishes: { network: { bindTcp: [0] } } }, [
      ["ok", ["socket", 2, 1]],
      ["errno 13", ["socket", 2, 2]],
      ["ok", ["listen", 0]],
    ]);
    await assertDeeds({ walls: "all", wishes: { network: { udp: true } } }, [
      ["ok", ["socket", 2, 2]],
      ["EACCES", ["listen", 0]],
    ]);
  });
}

Deno.test("Deno's permissions alone keep a process to its folders and addresses", async () => {
  using world = new World();
  const permissions = [
    "--allow-ffi",
    `--allow-read=${world.path}/ro,${world.path}/rw`,
    `--allow-write=${world.path}/rw`,
  ];
  const deeds: [string, Deed][] = [
    ...world.at({
      ok: [["read", "/ro/file"], ["create", "/rw/new"]],
      NotCapable: [
        ["read", "/secret"],
        ["write", "/ro/file"],
        ["create", "/ro/new"],
        ["truncate", "/ro/file"],
        ["remove", "/ro/file"],
        ["rename", "/rw/other", "/ro/moved"],
        ["link", "/secret", "/rw/gained"],
        ["symlink", "../secret", "/rw/points-out"],
        ["read", "/rw/../secret"],
      ],
    }),
    ["NotCapable", ["run", "/bin/true"]],
    ["NotCapable", ["listen", 0]],
    ["NotCapable", ["connect", 1]],
  ];
  const sentence: Sentence = { walls: "none", wishes: {}, deeds: deeds.map(([, deed]) => deed) };
  const { results } = await serve(sentence, permissions);
  const told = results.map((result) => /NotCapable/.exec(result)?.[0] ?? result);
  assert.deepEqual(
    told.map((result, index) => `${deeds[index]![1].join(" ")}: ${result}`),
    deeds.map(([expected, deed]) => `${deed.join(" ")}: ${expected}`),
  );
});
