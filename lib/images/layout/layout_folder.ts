/**
 * A folder in the form of the OCI image layout.
 *
 * @module
 */
import { join } from "node:path";
import { LayoutFile, type LayoutFiles } from "./layout_files.ts";
import { openRegular } from "./local_file.ts";

/** The files of a layout that is a folder. */
export class LayoutFolder implements LayoutFiles {
  readonly path: string;

  /** Opens nothing yet. */
  constructor(path: string) {
    this.path = path;
  }

  /** See {@linkcode LayoutFiles.open}. */
  async open(name: string): Promise<LayoutFile> {
    const path = join(this.path, name);
    const file = await openRegular(path);
    try {
      const { size } = await file.stat();
      return new LayoutFile(file, { shown: `"${path}"`, from: 0, size });
    } catch (error) {
      file.close();
      throw error;
    }
  }
}
