import { lookup } from "node:dns/promises";
import type { NameBook } from "./parts.ts";

/** What this machine's own resolver knows, and nothing of a cluster. */
export const machineNames: NameBook = {
  resolve: async (name) => {
    try {
      return (await lookup(name, { all: true })).map(({ address }) => address);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOTFOUND" || code === "ENODATA") return [];
      throw error;
    }
  },
};
