import type { Endpoint, NetworkRequest } from "../../../lib/mod.ts";
import { canonicalIp } from "../../../wasi/mod.ts";
import { type Hello, isName } from "./words.ts";

const PORT_MAX = 65_535;

/** Reads the first line of a connection; `undefined` for anything else. */
export function parseHello(line: string): Hello | undefined {
  const value = parseObject(line);
  if (value === undefined) return undefined;
  const { run, token } = value;
  return typeof run === "number" && typeof token === "string" ? { run, token } : undefined;
}

/**
 * Reads a question. `undefined` for anything else: a guest's process may have been taken over, so what
 * the guest's host would never say is said by somebody else.
 */
export function parseQuestion(line: string): NetworkRequest | undefined {
  const value = parseObject(line);
  if (value === undefined) return undefined;
  const { want, protocol } = value;
  if (want === "resolve") {
    const { name } = value;
    return typeof name === "string" && isName(name) ? { want, name } : undefined;
  }
  const endpoint = parseEndpoint(value.endpoint);
  if (endpoint === undefined || (protocol !== "tcp" && protocol !== "udp")) return undefined;
  switch (want) {
    case "bind":
    case "connect":
    case "send":
      return { want, protocol, endpoint };
    case "accept": {
      const local = parseEndpoint(value.local);
      return local === undefined ? undefined : { want, protocol, endpoint, local };
    }
    default:
      return undefined;
  }
}

function parseEndpoint(value: unknown): Endpoint | undefined {
  if (!isRecord(value)) return undefined;
  const { ip, port } = value;
  if (typeof ip !== "string" || canonicalIp(ip) !== ip) return undefined;
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) > PORT_MAX) {
    return undefined;
  }
  return { ip, port: port as number };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
