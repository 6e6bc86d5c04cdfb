/** `krustlet run` has servers and clients that find each other, and says where they listen. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { krustletCommand } from "./harness/command.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { clusterTest } from "./harness/testbed.ts";

/** Go's modules are compiled when they are seen first, on a busy machine. */
const SAID_MS_MAX = 120_000;

for (const host of ["", "portable"]) {
  clusterTest(
    `pods of one call find each other by name, and it is said where they listen${
      host && ` (${host} host)`
    }`,
    async () => {
      await using folder = await tempFolder();
      const image = `file:${await guest("gonet_web")}`;
      const pod = (name: string, args: readonly string[]): unknown => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: {
          restartPolicy: "OnFailure",
          terminationGracePeriodSeconds: 1,
          containers: [{ name, image, args }],
        },
      });
      const path = join(folder.path, "pods.json");
      const items = [
        pod("web", ["serve", ":8080"]),
        pod("client", ["get", "1", "http://web:8080/by-name"]),
      ];
      await Deno.writeTextFile(path, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
      const [program, ...first] = krustletCommand();
      const child = new Deno.Command(program, {
        args: [...first, "run", "--log-level=info", path],
        env: { NO_COLOR: "1", KRUSTLET_HOST: host },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const timer = setTimeout(() => child.kill("SIGTERM"), SAID_MS_MAX);
      const notes = new Response(child.stderr).text();
      let said = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        if (said.includes("/by-name for ")) child.kill("SIGTERM");
      }
      clearTimeout(timer);
      await child.status;
      assert.match(said, /\/by-name for [\d.]+:\d+/);
      const noted = await notes;
      assert.match(noted, /pod "web": listens on http:\/\/[\d.]+:8080\n/);
      assert.equal(/held by: deno permissions/.test(noted), host === "portable", noted);
    },
  );
}
