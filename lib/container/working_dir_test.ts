import assert from "node:assert/strict";
import { makeWorkingDir } from "./working_dir.ts";

Deno.test({
  name: "makeWorkingDir() makes nothing where a guest has swapped the mount for a link",
  ignore: Deno.build.os === "windows",
  async fn(): Promise<void> {
    const dir = await Deno.realPath(await Deno.makeTempDir());
    try {
      for (const name of ["volume", "volume/sub", "machine", "root"]) {
        await Deno.mkdir(`${dir}/${name}`);
      }
      const hostPath = `${dir}/volume/sub`;
      const places = {
        rootPath: `${dir}/root`,
        tree: undefined,
        mounts: [{ hostPath, guestPath: "/data", readOnly: false }],
      };
      await makeWorkingDir("/data/good", places);
      assert.ok((await Deno.stat(`${hostPath}/good`)).isDirectory);
      await Deno.rename(hostPath, `${dir}/volume/other`);
      await Deno.symlink("../machine", hostPath);
      await assert.rejects(makeWorkingDir("/data/made", places), { code: "entrypoint" });
      assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/machine`)), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
