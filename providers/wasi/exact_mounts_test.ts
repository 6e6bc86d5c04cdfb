/** What is mounted is what the kubelet looked at: a link in its place is refused on every host. */
import assert from "node:assert/strict";
import { openFixture, start } from "./testing.ts";
import type { WasiProviderOptions } from "./wasi_provider.ts";

/** Makes a folder `made` in the first mount, which is descriptor 4, and leaves with the error number. */
const MAKES = start(`
  (i32.store (i32.const 32) (i32.const 0x6564616d))
  (call $proc_exit (call $path_create_directory (i32.const 4) (i32.const 32) (i32.const 4)))`);

const never = new AbortController().signal;

const KINDS: Readonly<Record<string, Partial<WasiProviderOptions> & { readonly handler: string }>> =
  {
    "in a process": { handler: "krustlet-process" },
    "in a Worker of a shared process": { handler: "krustlet-worker" },
    "on the portable host": { handler: "krustlet-process", host: "portable" },
  };

for (const [where, { handler, ...options }] of Object.entries(KINDS)) {
  Deno.test({
    name: `a mount whose path was swapped for a link is refused ${where}`,
    ignore: Deno.build.os !== "linux" && options.host !== "portable",
    async fn(): Promise<void> {
      await using fixture = await openFixture(options, { runtimeHandler: handler });
      const volume = `${fixture.folder}/pods/volume`;
      await Deno.mkdir(`${volume}/real`, { recursive: true });
      await Deno.mkdir(`${fixture.folder}/outside`);
      await Deno.symlink("../../outside", `${volume}/swapped`);
      const mounting = async (name: string): Promise<unknown> => {
        const mount = { hostPath: `${volume}/${name}`, guestPath: "/data", readOnly: false };
        const run = await fixture.guestOf(MAKES, { mounts: [mount] });
        const exit = await fixture.provider.run(run, {
          onStarted(): void {},
          stop: never,
          kill: never,
        });
        return exit.kind === "start_error" ? exit.message : exit;
      };
      assert.deepEqual(await mounting("real"), { kind: "exited", code: 0 });
      assert.ok((await Deno.stat(`${volume}/real/made`)).isDirectory);
      assert.match(
        String(await mounting("swapped")),
        /volume\/swapped".*: a link is in this path, which must have none/,
      );
      await assert.rejects(Deno.stat(`${fixture.folder}/outside/made`), Deno.errors.NotFound);
    },
  });
}
