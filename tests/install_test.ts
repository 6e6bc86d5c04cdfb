/** The installer for Linux and macOS, with releases whose program is a line of shell. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Authority } from "./bad_images/certificates.ts";

const INSTALLER = fileURLToPath(new URL("../scripts/install/install.sh", import.meta.url));
const PLATFORM = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "amd64"}`;
const HAS_CURL = has("curl");
/** What the installer uses beside what the shell has in itself. */
const TOOLS =
  "sh uname id mktemp tar gzip grep cp mv rm ln mkdir chmod cat tr sha256sum shasum curl readlink";

function has(tool: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${tool}`], stdout: "null" })
    .outputSync().success;
}

interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** A folder with releases, and a prefix to install them to. */
class Shop implements AsyncDisposable {
  readonly folder: string;
  readonly prefix: string;
  readonly #temp: string;

  private constructor(temp: string) {
    this.#temp = temp;
    this.folder = join(temp, "dist");
    this.prefix = join(temp, "prefix");
  }

  static async open(...versions: readonly string[]): Promise<Shop> {
    const shop = new Shop(await Deno.makeTempDir({ prefix: "krustlet-test-" }));
    await Deno.mkdir(shop.folder);
    for (const version of versions) await shop.release(version);
    return shop;
  }

  /** Makes a release whose program is `script`; by default it says its version, as it should. */
  async release(version: string, script = `echo krustlet ${version}`): Promise<string> {
    const name = `krustlet-${version}-${PLATFORM}`;
    const folder = join(this.folder, name);
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "krustlet"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const archive = join(this.folder, `${name}.tar.gz`);
    const packed = await new Deno.Command("tar", {
      args: ["-czf", archive, "-C", this.folder, name],
    }).output();
    assert.equal(packed.code, 0);
    await Deno.remove(folder, { recursive: true });
    const sum = createHash("sha256").update(await Deno.readFile(archive)).digest("hex");
    await Deno.writeTextFile(
      join(this.folder, `checksums-${version}.txt`),
      `${sum}  ${name}.tar.gz\n`,
    );
    return archive;
  }

  /** Runs the installer; `--from` and `--to` are this shop's unless `args` has them. */
  async run(
    args: readonly string[],
    { env = {}, shell = ["sh"], script = INSTALLER }: {
      readonly env?: Readonly<Record<string, string>>;
      readonly shell?: readonly string[];
      readonly script?: string;
    } = {},
  ): Promise<Outcome> {
    const own = (flag: string, value: string): string[] => args.includes(flag) ? [] : [flag, value];
    const [program, ...before] = shell;
    const { code, stdout, stderr } = await new Deno.Command(program!, {
      args: [
        ...before,
        script,
        ...own("--from", this.folder),
        ...own("--to", this.prefix),
        ...args,
      ],
      env,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  /** What the installed program says. */
  async says(): Promise<string> {
    const { stdout } = await new Deno.Command(join(this.prefix, "bin/krustlet"), {
      args: ["--version"],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  }

  async versions(): Promise<string[]> {
    const names = await Array.fromAsync(Deno.readDir(join(this.prefix, "lib")), ({ name }) => name);
    return names.map((name) => name.replace(`-${PLATFORM}`, "")).toSorted();
  }

  /** A PATH with only these tools of the machine, and those that `scripts` has. */
  async path(
    without: readonly string[],
    scripts: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const bin = await Deno.makeTempDir({ dir: this.#temp });
    for (const tool of TOOLS.split(" ")) {
      if (without.includes(tool)) continue;
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`] })
        .output();
      const found = new TextDecoder().decode(stdout).trim();
      if (found.startsWith("/")) await Deno.symlink(found, join(bin, tool));
    }
    for (const [tool, text] of Object.entries(scripts)) {
      await Deno.writeTextFile(join(bin, tool), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    return bin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#temp, { recursive: true });
  }
}

function installs(name: string, run: (shop: Shop) => Promise<void>): void {
  Deno.test(`install.sh ${name}`, async () => {
    await using shop = await Shop.open("9.0.0");
    await run(shop);
  });
}

installs("installs, updates, and keeps the version that may be running", async (shop) => {
  const first = await shop.run([]);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, /^Installed krustlet 9\.0\.0 as .*\/bin\/krustlet$/m);
  assert.match(first.text, /is not in PATH/);
  await shop.release("9.1.0-beta.1");
  const second = await shop.run(["--version", "v9.1.0-beta.1"]);
  assert.equal(second.code, 0, second.text);
  assert.match(second.text, /Still there, for agents that run: krustlet-9\.0\.0/);
  assert.equal(await shop.says(), "krustlet 9.1.0-beta.1");
  assert.deepEqual(await shop.versions(), ["krustlet-9.0.0", "krustlet-9.1.0-beta.1"]);
  // Again, and back.
  for (const version of ["9.1.0-beta.1", "9.0.0"]) {
    const { code, text } = await shop.run(["--version", version]);
    assert.equal(code, 0, text);
    assert.equal(await shop.says(), `krustlet ${version}`);
  }
  assert.deepEqual(await shop.versions(), ["krustlet-9.0.0", "krustlet-9.1.0-beta.1"]);
});

for (
  const [why, spoil, says] of [
    [
      "an archive that was changed",
      async (_, archive) => {
        const bytes = await Deno.readFile(archive);
        bytes[bytes.length >> 1]! ^= 1;
        await Deno.writeFile(archive, bytes);
      },
      /is not the file that checksums-9\.1\.0\.txt names: its SHA-256 differs; nothing was changed/,
    ],
    ["an archive without a checksum file", async (shop) => {
      await Deno.remove(join(shop.folder, "checksums-9.1.0.txt"));
    }, /checksums-9\.1\.0\.txt cannot be had/],
    ["an archive that the checksums do not name", async (shop) => {
      await Deno.writeTextFile(join(shop.folder, "checksums-9.1.0.txt"), "");
    }, /checksums-9\.1\.0\.txt does not name krustlet-9\.1\.0-/],
    [
      "a release that does not run here",
      async (shop) => {
        await shop.release("9.1.0", "echo GLIBC_9.9 not found >&2; exit 1");
      },
      /krustlet-9\.1\.0-.* does not run on this machine .* nothing was changed. It says: GLIBC_9\.9/,
    ],
    ["another release in its archive", async (shop) => {
      await shop.release("9.1.0", "echo krustlet 8.0.0");
    }, /the archive of 9\.1\.0 says that it is "krustlet 8\.0\.0"/],
  ] satisfies [string, (shop: Shop, archive: string) => Promise<void>, RegExp][]
) {
  installs(`refuses ${why}, and what was there goes on`, async (shop) => {
    assert.equal((await shop.run([])).code, 0);
    await spoil(shop, await shop.release("9.1.0"));
    const { code, text } = await shop.run(["--version", "9.1.0"]);
    assert.equal(code, 1, text);
    assert.match(text, says);
    assert.equal(await shop.says(), "krustlet 9.0.0");
    assert.deepEqual(await shop.versions(), ["krustlet-9.0.0"], "nothing is left behind");
  });
}

for (
  const [args, says] of [
    [["--from", "http://example.com/download"], /give an https:\/\/ URL or a folder/],
    [["--from", "/nowhere"], /there is no folder "\/nowhere"/],
    [["--version", "../../etc"], /is no version/],
    [["--version"], /--version needs a value/],
    [["--force"], /there is no option "--force"; there are --version, --from, --to, --uninstall/],
    [["--uninstall"], /there is none below .* to remove/],
  ] as const
) {
  installs(`refuses ${args.join(" ")}`, async (shop) => {
    const { code, text } = await shop.run(args);
    assert.equal(code, 1, text);
    assert.match(text, says);
    await assert.rejects(Deno.stat(shop.prefix), Deno.errors.NotFound);
  });
}

installs("--uninstall removes one version or all, and nothing of the nodes", async (shop) => {
  await shop.release("9.1.0");
  for (const version of ["9.0.0", "9.1.0"]) await shop.run(["--version", version]);
  await Deno.writeTextFile(join(shop.prefix, "lib/other"), "");
  const one = await shop.run(["--uninstall", "--version", "9.0.0"]);
  assert.equal(one.code, 0, one.text);
  assert.deepEqual(await shop.versions(), ["krustlet-9.1.0", "other"]);
  assert.equal(await shop.says(), "krustlet 9.1.0", "the link was another version's");
  const all = await shop.run(["--uninstall"]);
  assert.match(all.text, /What nodes keep stays/);
  assert.deepEqual(await shop.versions(), ["other"]);
  await assert.rejects(Deno.lstat(join(shop.prefix, "bin/krustlet")), Deno.errors.NotFound);
});

installs("verifies by shasum where there is no sha256sum, as on macOS", async (shop) => {
  const real = has("sha256sum") ? "sha256sum" : "shasum -a 256";
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${real}`] }).output();
  const words = real.replace(/^\S+/, new TextDecoder().decode(stdout).trim());
  const shasum = `[ "$1 $2" = "-a 256" ] && shift 2 && exec ${words} "$@"`;
  const PATH = await shop.path(["sha256sum", "shasum"], { shasum });
  const { code, text } = await shop.run([], { env: { PATH } });
  assert.equal(code, 0, text);
});

for (
  const [missing, args, says] of [
    [["sha256sum", "shasum"], [], /neither sha256sum nor shasum is there/],
    [["tar"], [], /tar is missing, which unpacks the archive; install it first/],
    [["curl"], ["--from", "https://127.0.0.1:1/download"], /curl is missing, .*--from FOLDER/],
  ] as const
) {
  installs(`says what to do without ${missing.join(" and ")}`, async (shop) => {
    const { code, text } = await shop.run(args, { env: { PATH: await shop.path(missing) } });
    assert.equal(code, 1, text);
    assert.match(text, says);
    await assert.rejects(Deno.stat(shop.prefix), Deno.errors.NotFound);
  });
}

installs("chooses the archive of the machine", async (shop) => {
  for (
    const [kernel, machine, archive] of [
      ["Darwin", "arm64", "darwin-arm64"],
      ["Darwin", "x86_64", "darwin-amd64"],
      ["Linux", "aarch64", "linux-arm64"],
    ]
  ) {
    const uname = `if [ "$1" = -s ]; then echo ${kernel}; else echo ${machine}; fi`;
    const PATH = await shop.path(["uname"], { uname });
    await Deno.writeTextFile(join(shop.folder, "checksums-9.2.0.txt"), "");
    await Deno.writeTextFile(join(shop.folder, `krustlet-9.2.0-${archive}.tar.gz`), "");
    const { text } = await shop.run(["--version", "9.2.0"], { env: { PATH } });
    assert.ok(text.includes(`does not name krustlet-9.2.0-${archive}.tar.gz`), text);
  }
});

installs("does nothing when only the beginning of it arrived", async (shop) => {
  const text = await Deno.readTextFile(INSTALLER);
  const cut = join(shop.folder, "cut.sh");
  // At ends of lines, where a shell takes what came for whole commands.
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index).filter((_, n) => n % 7 === 0);
  await Promise.all(ends.map(async (end) => {
    await Deno.writeTextFile(`${cut}.${end}`, text.slice(0, end));
    await shop.run([], { script: `${cut}.${end}` });
  }));
  await assert.rejects(Deno.stat(shop.prefix), Deno.errors.NotFound);
});

for (const shell of [["dash"], ["bash", "--posix"], ["busybox", "sh"]]) {
  // What is not here is left to machines that have it; `sh` is tried by all the other tests.
  if (!has(shell[0]!)) continue;
  installs(`is understood by ${shell.join(" ")}`, async (shop) => {
    const { code, text } = await shop.run([], { shell });
    assert.equal(code, 0, text);
  });
}

/** A server of releases, by TLS, which an authority of its own vouches for. */
async function releaseServer(
  shop: Shop,
  leadTo: (path: string) => string | undefined,
): Promise<AsyncDisposable & { readonly url: string; readonly env: Record<string, string> }> {
  const authority = new Authority();
  const { cert, key } = authority.issue();
  const server = createServer({ cert, key }, (request, response) => {
    const path = request.url ?? "";
    const elsewhere = leadTo(path);
    if (elsewhere !== undefined) return response.writeHead(302, { location: elsewhere }).end();
    if (path.includes("/tag/")) return response.end("a page");
    Deno.readFile(join(shop.folder, path.replace(/^.*\/v[^/]*\//, ""))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ca = join(shop.folder, "ca.pem");
  await Deno.writeTextFile(ca, authority.pem);
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/releases/download`,
    env: { CURL_CA_BUNDLE: ca },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (HAS_CURL) {
  installs("fetches the latest release by TLS, and no other server's", async (shop) => {
    await shop.release("9.1.0");
    await using server = await releaseServer(
      shop,
      (path) => path === "/releases/latest" ? "/releases/tag/v9.0.0" : undefined,
    );
    const strangers = await shop.run(["--from", server.url]);
    assert.equal(strangers.code, 1, "its authority is unknown");
    const { code, text } = await shop.run(["--from", server.url], { env: server.env });
    assert.equal(code, 0, text);
    assert.equal(await shop.says(), "krustlet 9.0.0");
    const named = await shop.run(["--from", server.url, "--version", "9.1.0"], { env: server.env });
    assert.equal(named.code, 0, named.text);
    assert.equal(await shop.says(), "krustlet 9.1.0");
  });

  installs("follows nobody away from TLS, and says when nothing is the latest", async (shop) => {
    let plain = 0;
    await using trap = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(`${++plain}`),
    );
    await using server = await releaseServer(
      shop,
      (path) => path === "/releases/latest" ? undefined : `http://127.0.0.1:${trap.addr.port}/`,
    );
    const led = await shop.run(["--from", server.url, "--version", "9.0.0"], { env: server.env });
    assert.equal(led.code, 1, led.text);
    assert.match(led.text, /checksums-9\.0\.0\.txt cannot be had from/);
    assert.equal(plain, 0);
    const unknown = await shop.run(["--from", server.url], { env: server.env });
    assert.match(unknown.text, /does not say which release is the latest; say it with --version/);
  });
} else {
  Deno.test("install.sh says that it needs curl (which this machine has not: TLS is not tried)", async () => {
    await using shop = await Shop.open("9.0.0");
    const { text } = await shop.run(["--from", "https://127.0.0.1:1/download"]);
    assert.match(text, /curl is missing/);
  });
}
