import type { Executable } from "./file.ts";

/** What documentation promises of the oldest systems. */
const OLDEST: Readonly<Record<Executable["os"], string | undefined>> = {
  linux: "glibc 2.27",
  darwin: "macOS 12.0.0",
  windows: undefined, // a PE file names none that means anything
};

/** Libraries that every system of the kind has. */
const OF_SYSTEM: Readonly<Record<Executable["os"], RegExp>> = {
  linux: /^(ld-linux-(x86-64|aarch64)|lib(c|dl|gcc_s|m|pthread|rt))\.so\.\d$/,
  darwin:
    /^(\/usr\/lib\/lib(System\.B|iconv\.2|objc\.A)\.dylib|\/System\/Library\/Frameworks\/.*)$/,
  windows: new RegExp(
    `^(api-ms-win-core-[a-z0-9-]+|${
      [
        ...["advapi32", "bcrypt", "bcryptprimitives", "combase", "crypt32", "dbghelp", "gdi32"],
        ...["iphlpapi", "kernel32", "ntdll", "ole32", "oleaut32", "opengl32", "psapi", "rstrtmgr"],
        ...["secur32", "setupapi", "shell32", "user32", "userenv", "winmm", "ws2_32"],
      ].join("|")
    })\\.dll$`,
    "i",
  ),
};

/**
 * What stands against shipping a program for a target (`<os>-<arch>`): another machine, a newer system than
 * is promised, or a library that people would have to install, such as OpenSSL's. Empty if nothing does.
 */
export function objectionsTo(program: Executable, target: string): string[] {
  const objections: string[] = [];
  const made = `${program.os}-${program.arch}`;
  if (made !== target) objections.push(`it is made for ${made}`);
  const oldest = OLDEST[program.os];
  if (oldest !== undefined && isNewer(program.needs, oldest)) {
    objections.push(`it needs ${program.needs ?? "an unknown system"}, and ${oldest} is promised`);
  }
  const strange = program.libraries.filter((name) => !OF_SYSTEM[program.os].test(name));
  if (strange.length > 0) objections.push(`not every system has ${strange.join(", ")}`);
  if (program.libraries.length === 0) objections.push("it names no library: nothing can be judged");
  return objections;
}

/** Who does not say what it needs may need anything. */
function isNewer(needs: string | undefined, promised: string): boolean {
  return needs === undefined || needs.localeCompare(promised, "en", { numeric: true }) > 0;
}
