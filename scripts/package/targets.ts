/** The version of the runtime that archives hold: the one that the project is tested with. */
export const RUNTIME_VERSION = "2.9.6";

/** One platform that there are archives for. */
export interface Target {
  /** `<os>-<arch>` as Go and Kubernetes name them. */
  readonly name: string;
  readonly archive: "tar.gz" | "zip";
  readonly runtime: {
    /** The npm package that brings the official runtime. */
    readonly package: string;
    /** The program's path in the package. */
    readonly program: string;
    /** Of the package, as npm writes it. Absent: nobody has looked at it so far. */
    readonly integrity?: string;
  };
}

/** All of them. */
export const TARGETS: readonly Target[] = [
  {
    name: "linux-amd64",
    archive: "tar.gz",
    runtime: {
      package: "@deno/linux-x64-glibc",
      program: "deno",
      integrity:
        "sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ==",
    },
  },
  {
    name: "linux-arm64",
    archive: "tar.gz",
    runtime: { package: "@deno/linux-arm64-glibc", program: "deno" },
  },
  {
    name: "darwin-amd64",
    archive: "tar.gz",
    runtime: { package: "@deno/darwin-x64", program: "deno" },
  },
  {
    name: "darwin-arm64",
    archive: "tar.gz",
    runtime: { package: "@deno/darwin-arm64", program: "deno" },
  },
  {
    name: "windows-amd64",
    archive: "zip",
    runtime: { package: "@deno/win32-x64", program: "deno.exe" },
  },
  {
    name: "windows-arm64",
    archive: "zip",
    runtime: { package: "@deno/win32-arm64", program: "deno.exe" },
  },
];
