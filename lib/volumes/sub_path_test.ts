import assert from "node:assert/strict";
import { join } from "node:path";
import { hold, holdByPath } from "../hold.ts";
import { type ResolvedSubPath, resolveSubPath as resolveBy } from "./sub_path.ts";

/** A volume `inside` next to a secret that must not be reached. */
async function inVolume(
  work: (volume: string, outside: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir());
  try {
    const [volume, outside] = [join(root, "inside"), join(root, "inside-out")];
    await Deno.mkdir(volume);
    await Deno.mkdir(outside);
    await Deno.writeTextFile(join(outside, "secret"), "s");
    await work(volume, outside);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name);
}

for (const [name, take] of Object.entries({ hold, holdByPath })) {
  const resolveSubPath = (
    volume: string,
    subPath: string,
    { create }: { readonly create: boolean },
  ): Promise<ResolvedSubPath> => resolveBy(volume, subPath, { create, hold: take });

  Deno.test(`resolveSubPath() finds files and folders (${name})`, () =>
    inVolume(async (volume) => {
      await Deno.mkdir(join(volume, "a/b"), { recursive: true });
      await Deno.writeTextFile(join(volume, "a/b/c"), "");
      const options = { create: false };
      assert.deepEqual(await resolveSubPath(volume, "a/b", options), {
        hostPath: join(volume, "a/b"),
        isFile: false,
      });
      assert.deepEqual(await resolveSubPath(volume, "./a//b/c", options), {
        hostPath: join(volume, "a/b/c"),
        isFile: true,
      });
      assert.equal((await resolveSubPath(volume, ".", options)).hostPath, volume);
      await assert.rejects(resolveSubPath(volume, "a/b/c/d", options), {
        code: "container_config",
        message: 'subPath "a/b/c/d" leads through a file',
      });
    }));

  Deno.test(`resolveSubPath() makes missing folders as open as the volume (${name})`, () =>
    inVolume(async (volume) => {
      await Deno.chmod(volume, 0o777);
      await resolveSubPath(volume, "x/y", { create: true });
      for (const path of ["x", "x/y"]) {
        assert.equal((await Deno.stat(join(volume, path))).mode! & 0o777, 0o777);
      }
      await Promise.all([1, 2, 3].map(() => resolveSubPath(volume, "p/q/r", { create: true })));
    }));

  Deno.test(`resolveSubPath() makes nothing where it must not (${name})`, () =>
    inVolume(async (volume) => {
      await assert.rejects(resolveSubPath(volume, "x", { create: false }), {
        code: "container_config",
        message: 'subPath "x" does not exist in the volume',
      });
      assert.deepEqual(names(volume), []);
    }));

  Deno.test(`resolveSubPath() refuses paths that climb (${name})`, () =>
    inVolume(async (volume) => {
      for (const path of ["..", "../x", "a/../../inside-out", "a/..", "/etc", "a\\..\\..", "a\0"]) {
        await assert.rejects(resolveSubPath(volume, path, { create: true }), {
          code: "container_config",
        }, path);
      }
      assert.deepEqual(names(volume), []);
    }));

  Deno.test(`resolveSubPath() follows links inside and refuses those that lead out (${name})`, () =>
    inVolume(async (volume, outside) => {
      await Deno.mkdir(join(volume, "real"));
      await Deno.symlink("real", join(volume, "near"));
      await Deno.symlink(outside, join(volume, "far"));
      await Deno.symlink("../inside-out", join(volume, "beside"));
      await Deno.symlink("/", join(volume, "root"));
      await Deno.symlink("far", join(volume, "chain"));
      await Deno.symlink("loop", join(volume, "loop"));
      await Deno.symlink("nowhere", join(volume, "broken"));
      assert.equal(
        (await resolveSubPath(volume, "near/new", { create: true })).hostPath,
        join(volume, "real/new"),
      );
      for (
        const path of [
          "far",
          "far/secret",
          "far/new",
          "beside",
          "beside/new",
          "root/etc",
          "chain/x",
        ]
      ) {
        await assert.rejects(resolveSubPath(volume, path, { create: true }), {
          code: "container_config",
          message: /leads out of the volume$/,
        }, path);
      }
      await assert.rejects(
        resolveSubPath(volume, "broken/x", { create: true }),
        /leads to nothing/,
      );
      await assert.rejects(resolveSubPath(volume, "loop", { create: true }), {
        code: "container_config",
      });
      assert.deepEqual(names(outside), ["secret"]);
    }));
}
