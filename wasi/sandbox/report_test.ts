import assert from "node:assert/strict";
import { describeSandbox, landlockReport, requireSandbox, type SandboxReport } from "./report.ts";

const ALL: SandboxReport = {
  landlock: landlockReport(7),
  seccomp: true,
  openat2: true,
  permissions: true,
  missing: [],
};
const PERMISSIONS: SandboxReport = {
  landlock: undefined,
  seccomp: false,
  openat2: false,
  permissions: true,
  missing: ["this kernel has no Landlock", "there is no libc"],
};

Deno.test("describeSandbox() is one line of all that stands", () => {
  assert.equal(
    describeSandbox(ALL),
    "landlock (ABI 7: files, truncation, tcp, devices, signals), seccomp, openat2, deno permissions",
  );
  assert.equal(
    describeSandbox({ ...ALL, landlock: landlockReport(1), openat2: false }),
    "landlock (ABI 1: files), seccomp, deno permissions",
  );
  assert.equal(describeSandbox(PERMISSIONS), "deno permissions");
  assert.equal(describeSandbox({ ...PERMISSIONS, permissions: false }), "none");
});

Deno.test("requireSandbox() passes what has the level or more", () => {
  requireSandbox("landlock", ALL);
  requireSandbox("permissions", ALL);
  requireSandbox("permissions", PERMISSIONS);
  requireSandbox("permissions", { ...ALL, permissions: false });
});

Deno.test("requireSandbox() says what is missing, why, and what there is", () => {
  assert.throws(() => requireSandbox("landlock", PERMISSIONS), {
    name: "SandboxError",
    message: 'Cannot give the sandbox that is required, "landlock": this kernel has no Landlock; ' +
      "there is no libc. There is: deno permissions",
  });
  const unlimited = { ...PERMISSIONS, permissions: false, missing: [] };
  assert.throws(() => requireSandbox("permissions", unlimited), {
    message: /"permissions": Deno's permissions are not limited\. There is: none$/,
  });
});

Deno.test("requireSandbox() takes neither half for Landlock", () => {
  const halves = [
    { ...ALL, seccomp: false, missing: ["the kernel takes no seccomp filters"] },
    { ...ALL, landlock: undefined, missing: ["Landlock is switched off"] },
  ];
  for (const half of halves) {
    assert.throws(() => requireSandbox("landlock", half), {
      message: new RegExp(half.missing[0]!),
    });
  }
});
