import assert from "node:assert/strict";
import { disabledLogsPage, systemLogsPage } from "./system_logs.ts";

async function withFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-logs-" });
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function read(root: string, path: string): Promise<[number, string]> {
  const page = systemLogsPage(root);
  const params = new URLSearchParams();
  const { status = 200, body } = await page({ accept: "", rest: path.split("/"), params });
  if (typeof body === "string") return [status, body];
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return [status, text];
}

Deno.test("systemLogsPage() shows folders and files", async () => {
  await withFolder(async (dir) => {
    await Deno.mkdir(`${dir}/pods`);
    await Deno.writeTextFile(`${dir}/sys<log> 1`, "x");
    await Deno.writeTextFile(`${dir}/pods/a.log`, "hello\n");
    await Deno.symlink("pods/a.log", `${dir}/link`);
    assert.deepEqual(await read(dir, ""), [
      200,
      '<pre>\n<a href="./link">link</a>\n<a href="./pods/">pods/</a>\n' +
      '<a href="./sys%3Clog%3E%201">sys&lt;log> 1</a>\n</pre>\n',
    ]);
    assert.deepEqual(await read(dir, "pods/a.log"), [200, "hello\n"]);
    assert.deepEqual(await read(dir, "link"), [200, "hello\n"]);
    assert.equal((await read(dir, "nothing"))[0], 404);
    assert.equal((await read(dir, "pods/a.log/x"))[0], 404);
    assert.equal((await read(dir, "n".repeat(300)))[0], 404);
    await Deno.symlink("loop", `${dir}/loop`);
    assert.equal((await read(dir, "loop"))[0], 404);
  });
});

Deno.test("systemLogsPage() shows nothing outside of its folder, nor what is no file", async () => {
  await withFolder(async (dir) => {
    await Deno.mkdir(`${dir}/log`);
    await Deno.mkdir(`${dir}/log-other`);
    await Deno.writeTextFile(`${dir}/secret`, "secret");
    await Deno.writeTextFile(`${dir}/log-other/secret`, "secret");
    await Deno.symlink("../secret", `${dir}/log/out`);
    await Deno.symlink("../log-other", `${dir}/log/beside`);
    await new Deno.Command("mkfifo", { args: [`${dir}/log/fifo`] }).output();
    const paths = ["out", "beside", "beside/secret", "../secret", "a/../../secret", "fifo", "a\0"];
    for (const path of paths) assert.equal((await read(`${dir}/log`, path))[0], 404, path);
    assert.equal((await read(`${dir}/log`, "..\\secret"))[0], 404);
  });
});

Deno.test("disabledLogsPage() says so in a kubelet's words", () => {
  const answer = disabledLogsPage({ accept: "", rest: [], params: new URLSearchParams() });
  assert.ok(!(answer instanceof Promise));
  assert.deepEqual([answer.status, answer.body], [405, "logs endpoint is disabled.\n"]);
});
