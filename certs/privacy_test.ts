import assert from "node:assert/strict";
import { privacyWarning } from "./privacy.ts";
import { broadGroups } from "./windows_access.ts";

/** What a profile has: the system, administrators, the user. */
const PROFILE = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-5-21-1-2-3-1001)";

for (
  const [what, sddl, groups] of [
    ["a profile's folder", `.krustlet\r\n${PROFILE}`, []],
    [
      "what icacls writes of a drive's root",
      `x\r\nD:AI(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)`,
      [
        "Users",
        "Authenticated Users",
      ],
    ],
    ["groups by their numbers", "O:BAG:SYD:(A;;FR;;;S-1-1-0)(A;;FA;;;WD)", ["Everyone"]],
    ["who is kept out", "D:(D;;FA;;;WD)(A;;FA;;;SY)", []],
    ["somebody's rights of inheritance", "D:(A;OICIIO;FR;;;WD)", ["Everyone"]],
    ["no list at all", "D:NO_ACCESS_CONTROL", ["Everyone"]],
    ["an empty list, which lets nobody in", "D:P", []],
    ["a list behind an auditor's", "D:(A;;FA;;;SY)S:(AU;SA;FA;;;WD)", []],
    ["a text that is no descriptor", "Access is denied", undefined],
  ] as const
) {
  Deno.test(`broadGroups() knows ${what}`, () => {
    assert.deepEqual(broadGroups(sddl), groups);
  });
}

Deno.test("privacyWarning() says nothing where files have modes, and asks nobody", async () => {
  const accessList = (): Promise<string> => Promise.reject(new Error("asked"));
  for (const os of ["linux", "darwin"] as const) {
    assert.equal(await privacyWarning("/keys", { os, accessList }), undefined);
  }
});

Deno.test("privacyWarning() tells of a folder that lets others in, or cannot be looked at", async () => {
  const ask = (list: string | undefined): Promise<string | undefined> =>
    privacyWarning("C:\\keys", { os: "windows", accessList: () => Promise.resolve(list) });
  assert.equal(await ask(PROFILE), undefined);
  assert.match(
    await ask("D:(A;;FR;;;BU)") ?? "",
    /"C:\\keys" .* lets in Users; .*icacls "C:\\keys"/,
  );
  assert.match(await ask(undefined) ?? "", /it cannot be told whom that lets in/);
});
