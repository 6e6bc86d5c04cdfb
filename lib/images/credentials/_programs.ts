/**
 * Small programs for tests, in a folder that PATH begins with.
 *
 * @module
 */
import { delimiter, join } from "node:path";
import { TestDir } from "../oci/_test_registry.ts";

/** True where programs may be shell scripts. */
export const HAS_SHELL = Deno.build.os !== "windows";

/** A folder of shell scripts. Each notes on `<name>.asked` what it was asked, one line for a run. */
export class Programs implements AsyncDisposable {
  readonly #dir = new TestDir();
  readonly #path = Deno.env.get("PATH") ?? "";

  constructor() {
    Deno.env.set("PATH", `${this.#dir.path}${delimiter}${this.#path}`);
  }

  get dir(): string {
    return this.#dir.path;
  }

  /** Writes a script; `$input` in it is what it was asked on its stdin. */
  async write(name: string, script: string): Promise<void> {
    const text = `#!/bin/sh\ninput=$(cat)\necho "$* $input" >> "${
      join(this.dir, `${name}.asked`)
    }"\n${script}\n`;
    await Deno.writeTextFile(join(this.dir, name), text, { mode: 0o700 });
  }

  /** What a program was asked, run by run. */
  asked(name: string): string[] {
    try {
      return Deno.readTextFileSync(join(this.dir, `${name}.asked`)).trimEnd().split("\n");
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.set("PATH", this.#path);
    await this.#dir[Symbol.asyncDispose]();
  }
}
