/**
 * Ports by their names.
 *
 * @module
 */
import type { Container, PortName } from "../api/types.ts";

/**
 * The number of a port; a name is looked up among the container's own.
 *
 * Throws a `RangeError` if there is none, as `couldn't find port "web"`.
 */
export function portNumber(port: PortName, container: Pick<Container, "name" | "ports">): number {
  const number = typeof port === "number" || /^\d+$/.test(port)
    ? Number(port)
    : container.ports?.find(({ name }) => name === port)?.containerPort;
  if (number === undefined) {
    throw new RangeError(
      `container "${container.name}" has no port named "${port}"; name one of its ports, or a number`,
    );
  }
  if (number >= 1 && number <= 65_535) return number;
  throw new RangeError(`${number} is not a port; ports are 1 to 65535`);
}
