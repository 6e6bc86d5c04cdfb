/** What a command line of tar asks for. */
export interface TarWishes {
  readonly mode: "create" | "extract" | "list";
  /** `-` for standard input or output. */
  readonly archive: string;
  /** What to take, each with the folder that it is relative to. */
  readonly operands: readonly { readonly folder: string; readonly name: string }[];
  /** The folder to extract into. */
  readonly folder: string;
  /** `-m`: files get the time at which they are extracted. */
  readonly touch: boolean;
  readonly verbose: boolean;
}
