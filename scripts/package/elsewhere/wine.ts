import { join } from "node:path";
import { cached } from "../../../tests/parts/cache.ts";
import { runTool } from "../../../tests/parts/run.ts";
import { debian, demandTools, type Elsewhere, quoted } from "./elsewhere.ts";

/** Wine's settings inside the root; it keeps its own drive C there. */
const SETTINGS = "WINEPREFIX=/wine WINEDEBUG=-all XDG_RUNTIME_DIR=/run";

/** Debian 13 has Wine 10; Wine 8 of Debian 12 does not start the runtime. */
export const WINE: Elsewhere = {
  target: "windows-amd64",

  async setUp(): Promise<string> {
    await demandTools(["debootstrap", "unshare", "chroot"]);
    return await cached({
      name: "wine",
      inputs: ["trixie", "wine", SETTINGS],
      async build(folder): Promise<void> {
        console.error("wine: setting up, which takes minutes");
        await debian(folder);
        await Deno.copyFile("/etc/resolv.conf", join(folder, "etc/resolv.conf"));
        const install =
          "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends";
        // Its server writes the registry when it ends: without that there is none the next time.
        const prepare = `${install} wine wine64 && ${SETTINGS} wineboot -i && ` +
          `${SETTINGS} wineserver -w && apt-get clean`;
        await runTool(["sh", "-c", inside({ root: folder, shared: folder, command: prepare })]);
      },
    });
  },

  launcher({ root, home, shared }): string {
    const program = `Z:${join(home, "krustlet.cmd").replaceAll("/", "\\")}`;
    // A drive C of its own, which is gone with it: two programs with one would share Wine's server, which must not
    // see processes of two namespaces.
    const own = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/new /mnt/work && mount -t overlay " +
      "-o lowerdir=/wine,upperdir=/mnt/new,workdir=/mnt/work overlay /wine";
    const command = `cd / && ${own} && exec env ${SETTINGS} wine cmd /c ${quoted(program)} "$@"`;
    return `#!/bin/sh\nexec ${inside({ root, shared, command })} sh "$@"\n`;
  },
};

/** A command line that runs a shell command in the root folder, with processes of its own. */
function inside(
  { root, shared, command }: {
    readonly root: string;
    readonly shared: string;
    readonly command: string;
  },
): string {
  const target = quoted(join(root, shared));
  const script = [
    `mount -t proc proc ${quoted(join(root, "proc"))}`,
    `mount --rbind /sys ${quoted(join(root, "sys"))}`,
    ...(shared === root ? [] : [`mkdir -p ${target}`, `mount --rbind ${quoted(shared)} ${target}`]),
    `exec chroot ${quoted(root)} sh -c ${quoted(command)} "$@"`,
  ].join(" && ");
  return `unshare --mount --pid --fork --kill-child sh -c ${quoted(script)} sh`;
}
