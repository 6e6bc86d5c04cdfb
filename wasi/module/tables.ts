import type { Declaration } from "./declarations.ts";
import { ModuleLimitError } from "./errors.ts";
import { TABLE_ELEMENTS_MAX } from "./limits.ts";
import { resize } from "./resize.ts";
import type { Edit } from "./sections.ts";
import { divide } from "./shares.ts";

/**
 * Lowers the maximums of all tables so that together they can never have more than
 * {@linkcode TABLE_ELEMENTS_MAX} elements; `table.grow` then answers -1. They share as memories do.
 *
 * @throws {ModuleLimitError} If they start with more.
 */
export function planTables(tables: readonly Declaration[]): readonly Edit[] {
  const claims = tables.map(({ minimum, maximum }) => ({
    minimum,
    maximum: maximum ?? Math.max(minimum, TABLE_ELEMENTS_MAX),
  }));
  const shares = divide(claims, TABLE_ELEMENTS_MAX);
  if (shares === undefined) {
    const elements = claims.reduce((sum, { minimum }) => sum + minimum, 0);
    throw new ModuleLimitError(
      `its tables start with ${elements} elements; the limit is ${TABLE_ELEMENTS_MAX}`,
    );
  }
  return tables.flatMap((table, index) =>
    table.maximum === undefined || shares[index]! < table.maximum
      ? [resize(table, shares[index]!)]
      : []
  );
}
