/** One platform that there are archives for. */
export interface Target {
  /** `<os>-<arch>` as Go and Kubernetes name them. */
  readonly name: string;
  readonly archive: "tar.gz" | "zip";
  readonly runtime: Runtime;
}

/** The official runtime of a platform: one program, whoever carries it. */
export interface Runtime {
  /** The project is tested with {@linkcode RUNTIME_VERSION}. */
  readonly version: string;
  /** Its file name. */
  readonly program: string;
  /** Of the program itself, in hex: the same in whatever it was packed. */
  readonly sha256: string;
  /** The npm package that brings it. */
  readonly npm: string;
  /** The platform tag of the Python wheel that brings it, where there is one. */
  readonly wheel?: string;
}

/** The version of the runtime that the project is tested with. */
export const RUNTIME_VERSION = "2.9.6";

/** All of them. */
export const TARGETS: readonly Target[] = [
  {
    name: "linux-amd64",
    archive: "tar.gz",
    runtime: {
      version: RUNTIME_VERSION,
      program: "deno",
      sha256: "bceb5b6a6239b0b010418406d8c77a508f67cf4337d94288f1c19fe71304aab0",
      npm: "@deno/linux-x64-glibc",
      wheel: "manylinux_2_27_x86_64",
    },
  },
  {
    name: "linux-arm64",
    archive: "tar.gz",
    runtime: {
      version: RUNTIME_VERSION,
      program: "deno",
      sha256: "d08d392418df53f4e6e88a08909c0e1bccbf9adcead7232df72b6ad6075ec416",
      npm: "@deno/linux-arm64-glibc",
      wheel: "manylinux_2_27_aarch64",
    },
  },
  {
    name: "darwin-amd64",
    archive: "tar.gz",
    runtime: {
      version: RUNTIME_VERSION,
      program: "deno",
      sha256: "ec9fbd8e8f5f6ca5ceb0ebe4a564636f2c698bf60e3187460ded400cc0147fd5",
      npm: "@deno/darwin-x64",
      wheel: "macosx_10_12_x86_64",
    },
  },
  {
    name: "darwin-arm64",
    archive: "tar.gz",
    runtime: {
      version: RUNTIME_VERSION,
      program: "deno",
      sha256: "b3ac3bd206e48c26026cadd80c1367e96c149f9c66130952382a642b09fa8a71",
      npm: "@deno/darwin-arm64",
      wheel: "macosx_11_0_arm64",
    },
  },
  {
    name: "windows-amd64",
    archive: "zip",
    runtime: {
      version: RUNTIME_VERSION,
      program: "deno.exe",
      sha256: "2ff9493dfa356be2975f477025ea770088e9e9cb2c83d983236d13561b96b7a6",
      npm: "@deno/win32-x64",
      wheel: "win_amd64",
    },
  },
  {
    name: "windows-arm64",
    archive: "zip",
    runtime: {
      // The newest that could be had when it was pinned; no wheel is made for it.
      version: "2.9.5",
      program: "deno.exe",
      sha256: "ec503fba3b205fd47777d0e90e84ac7ae74d45d94041b46d31b414894c52ad3b",
      npm: "@deno/win32-arm64",
    },
  },
];
