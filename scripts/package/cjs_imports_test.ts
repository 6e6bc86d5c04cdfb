import assert from "node:assert/strict";
import { nameCjsImports } from "./cjs_imports.ts";

/** What a program sees of the modules when all are written somewhere. */
async function run(files: ReadonlyMap<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/below`);
    for (const [path, text] of files) await Deno.writeTextFile(`${folder}/${path}`, text);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", `${folder}/below/main.js`],
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("nameCjsImports() gives packages their names, and leaves other modules alone", async () => {
  const files = new Map([
    [
      "dist-1.js",
      "var a=()=>({get parse(){return JSON.parse},b:2});export default a();\n/*! law */",
    ],
    ["chunk-2.js", "var x=()=>1;export{x as parse};export default x();"],
    [
      "below/main.js",
      'let{parse:p,default:d}=await import("../dist-1.js"),m=await import("../chunk-2.js");' +
      "console.log(p('[3]')[0],d.b,Object.keys(m).join());",
    ],
  ]);
  assert.match(await run(files), /p is not a function/);
  assert.equal(await run(nameCjsImports(files)), "3 2 default,parse\n");
});
