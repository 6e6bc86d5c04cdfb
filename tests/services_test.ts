/** What starts krustlet with the machine: the unit of systemd, launchd's list, and the scripts for Windows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runKrustlet } from "./harness/command.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function text(path: string): Promise<string> {
  return await Deno.readTextFile(join(ROOT, path));
}

function has(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

Deno.test("units, lists and manifests say only what krustlet --help knows", async () => {
  const { stdout: help } = await runKrustlet(["--help"]);
  const known = new Set(help.match(/--[a-z][a-z-]+/g));
  const commands = {
    "scripts/install/krustlet.service": /^ExecStart=.*$/m,
    "scripts/install/dev.krustlet.krustlet.plist": /<array>[\s\S]*<\/array>/,
    "scripts/install/service.ps1": /^\$command = .*$/m,
    "deploy/node/node.yaml": /^ +args:[\s\S]*?^ +env:/m,
  };
  for (const [path, command] of Object.entries(commands)) {
    const flags: string[] = command.exec(await text(path))?.[0].match(/--[a-z][a-z-]+/g) ?? [];
    assert.ok(flags.includes("--data-dir") && flags.includes("--bootstrap-file"), path);
    assert.deepEqual(flags.filter((flag) => !known.has(flag)), [], path);
  }
});

const unitPath = "scripts/install/krustlet.service";
const analyzes = has("systemd-analyze");

Deno.test(
  `the unit of systemd ${
    analyzes ? "passes systemd-analyze verify" : "has its sections (no systemd-analyze here)"
  }`,
  async () => {
    const unit = await text(unitPath);
    const sections = unit.match(/^\[.*\]$/gm);
    assert.deepEqual(sections, ["[Unit]", "[Service]", "[Install]"]);
    for (const line of unit.split("\n")) {
      assert.match(line, /^(#.*|\[\w+\]|[A-Za-z]+=.+|)$/, "no other lines");
    }
    // Guests are compiled by V8, and limits are kept in control groups.
    assert.doesNotMatch(unit, /^(MemoryDenyWriteExecute|ProtectControlGroups)=true/m);
    if (!analyzes) return;
    const folder = await Deno.makeTempDir();
    try {
      const file = join(folder, "krustlet.service");
      const here = unit.replace("/usr/local/bin/krustlet ", "/bin/sh ");
      await Deno.writeTextFile(file, here);
      const { code, stderr } = await verify(file);
      assert.deepEqual([code, stderr], [0, ""]);
      await Deno.writeTextFile(file, here.replace("Restart=always", "Restart=allways"));
      assert.match((await verify(file)).stderr, /allways/, "it would find a mistake");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

async function verify(file: string): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", file],
    env: { SYSTEMD_LOG_COLOR: "0" },
  }).output();
  // What it says of other units of the machine is no concern of ours.
  const lines = new TextDecoder().decode(stderr).split("\n");
  return { code, stderr: lines.filter((line) => line.includes("krustlet.service")).join("\n") };
}

type PlistValue = string | number | boolean | PlistValue[] | { [key: string]: PlistValue };

/** Reads the few elements of a property list that ours has; anything else, or loose ends, throw. */
function readPlist(xml: string): PlistValue {
  const body = xml.replace(/^<\?xml[^>]*\?>\s*<!DOCTYPE[^>]*>/, "").replace(/<!--[\s\S]*?-->/g, "");
  const tokens = body.match(/<[^>]+>|[^<]+/g)!.map((token) => token.trim()).filter(Boolean);
  const next = (wanted?: string): string => {
    const token = tokens.shift() ?? "the end";
    if (wanted !== undefined) assert.equal(token, wanted);
    return token;
  };
  const value = (): PlistValue => {
    const tag = next();
    if (tag === "<true/>" || tag === "<false/>") return tag === "<true/>";
    if (tag === "<string>" || tag === "<integer>") {
      const content = next();
      next(tag.replace("<", "</"));
      return tag === "<integer>" ? Number(content) : content;
    }
    if (tag === "<array>") {
      const items: PlistValue[] = [];
      while (tokens[0] !== "</array>") items.push(value());
      next("</array>");
      return items;
    }
    assert.equal(tag, "<dict>");
    const dict: { [key: string]: PlistValue } = {};
    while (tokens[0] !== "</dict>") {
      next("<key>");
      const key = next();
      next("</key>");
      assert.ok(!(key in dict), `${key} is there twice`);
      dict[key] = value();
    }
    next("</dict>");
    return dict;
  };
  next('<plist version="1.0">');
  const found = value();
  next("</plist>");
  assert.deepEqual(tokens, []);
  return found;
}

Deno.test("launchd's list is a property list that starts krustlet again, and lets it end", async () => {
  const path = "scripts/install/dev.krustlet.krustlet.plist";
  const list = readPlist(await text(path)) as { [key: string]: PlistValue };
  assert.ok(path.endsWith(`/${list.Label}.plist`), "launchd wants the label for a name");
  assert.deepEqual([list.RunAtLoad, list.KeepAlive, list.UserName], [true, true, "_krustlet"]);
  assert.ok(Number(list.ExitTimeOut) > 30, "longer than --shutdown-grace-period");
  assert.equal(list.Umask, 0o077);
  // All that it writes is below one folder, which the user owns.
  const [program, ...args] = list.ProgramArguments as string[];
  assert.equal(program, "/usr/local/bin/krustlet", "where install.sh puts it for root");
  const paths = [
    ...args.filter((arg) => arg.startsWith("/")),
    ...[list.StandardOutPath, list.StandardErrorPath].map(String),
  ];
  for (const one of paths) assert.ok(one.startsWith(`${list.WorkingDirectory}/`), one);
});

/** Commands of PowerShell 5.1 on Windows 10 and Server 2016 that the scripts may use. */
const CMDLETS = new Set(
  `Copy-Item Disable-ScheduledTask Enable-ScheduledTask Expand-Archive ForEach-Object Get-ChildItem Get-CimInstance
  Get-Content Get-Date Get-FileHash Invoke-WebRequest Join-Path Move-Item New-Item New-ScheduledTaskAction
  New-ScheduledTaskPrincipal New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-TimeSpan Out-Null
  Register-ScheduledTask Remove-Item Set-Content Split-Path Start-ScheduledTask Stop-Process Stop-ScheduledTask
  Test-Path Unregister-ScheduledTask Where-Object Write-Output`.split(/\s+/),
);

/** The script without comments and texts; throws for brackets and quotes that are not closed. */
function powershellCode(script: string): string {
  const open: string[] = [];
  let code = "";
  for (let at = 0; at < script.length; at++) {
    const one = script[at]!;
    if (one === "`") at++;
    else if (one === "#") at = script.indexOf("\n", at);
    else if (one === "'" || one === '"') {
      for (at++; script[at] !== one; at++) {
        assert.ok(at < script.length, "a text has no end");
        if (script[at] === "`") at++;
      }
      code += "''";
    } else {
      if ("({[".includes(one)) open.push(one);
      const closes = ")}]".indexOf(one);
      if (closes >= 0) assert.equal(open.pop(), "({["[closes], code.slice(-60));
      code += one;
    }
  }
  assert.deepEqual(open, []);
  return code;
}

const parses = has("pwsh");

for (const path of ["scripts/install/install.ps1", "scripts/install/service.ps1"]) {
  const how = parses ? "parses" : "is whole (no pwsh here to parse it)";
  Deno.test(`${path} ${how}, and uses what Windows has`, async () => {
    const script = await text(path);
    assert.match(
      script,
      /^[\x20-\x7e\n]*$/,
      "PowerShell 5 takes other characters for another page",
    );
    const code = powershellCode(script);
    const own = new Set(Array.from(code.matchAll(/^function ([\w-]+)/gm), ([, name]) => name));
    const used = Array.from(code.matchAll(/(?<![\w$.-])[A-Z][a-z]+-[A-Z]\w+/g), ([name]) => name);
    assert.deepEqual(used.filter((name) => !CMDLETS.has(name) && !own.has(name)), []);
    assert.match(code, /^\$ErrorActionPreference = ''$/m);
    if (!parses) return;
    const parse = "$errors = $null; [void][Management.Automation.Language.Parser]::ParseFile(" +
      `'${join(ROOT, path)}', [ref]$null, [ref]$errors); $errors; exit $errors.Count`;
    const { code: mistakes, stdout } = await new Deno.Command("pwsh", {
      args: ["-NoProfile", "-Command", parse],
    }).output();
    assert.equal(mistakes, 0, new TextDecoder().decode(stdout));
  });
}

Deno.test("install.ps1 verifies before it unpacks, and runs the new version before it moves the old", async () => {
  const script = await text("scripts/install/install.ps1");
  const main = script.slice(script.lastIndexOf("\ntry {"));
  assert.ok(main.indexOf("Confirm-Checksum") < main.indexOf("Install-Release"), "checksum first");
  assert.ok(main.includes("Confirm-Checksum"));
  const install = script.slice(
    script.indexOf("function Install-Release"),
    script.lastIndexOf("\nfunction "),
  );
  const order = ["Expand-Archive", "--version", "Move-Item -Path $place", "Destination $place"];
  const places = order.map((step) => install.indexOf(step));
  assert.ok(places.every((place) => place > 0), places.join());
  assert.deepEqual(places.toSorted((a, b) => a - b), places);
  assert.equal(script.match(/Expand-Archive/g)!.length, 1);
  assert.doesNotMatch(script, /http:\/\//);
  assert.match(script, /SecurityProtocolType\]::Tls12/);
});

Deno.test("service.ps1 makes the folder private before anything secret is in it", async () => {
  const script = await text("scripts/install/service.ps1");
  const places = ["icacls $folder /inheritance:r", "Copy-Item -Force -Path $BootstrapFile"].map(
    (step) => script.indexOf(step),
  );
  assert.ok(places[0]! > 0 && places[0]! < places[1]!, places.join());
  // Everyone and Users have no part in it.
  const granted = Array.from(script.matchAll(/"\*(S-1-[\d-]+):/g), ([, sid]) => sid);
  assert.deepEqual(granted, ["S-1-5-18", "S-1-5-32-544", "S-1-5-19"]);
});
