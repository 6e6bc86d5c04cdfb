/**
 * `/etc/hosts`: names that are known before anybody is asked (hosts(5)).
 *
 * @module
 */
import { normalizeIp } from "../ip.ts";
import { formatName, parseName } from "./name.ts";

/** A file of any length could be given. */
const LINES_MAX = 10_000;

/** The addresses that a hosts file has for a name, each once; none if it does not have it. */
export function findInHosts(text: string, name: string): string[] {
  const wanted = plain(name);
  if (wanted === undefined) return [];
  const found = new Set<string>();
  for (const line of text.split("\n", LINES_MAX)) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (!names.some((each) => plain(each) === wanted)) continue;
    const ip = normalizeIp(address);
    if (ip !== undefined) found.add(ip);
  }
  return [...found];
}

function plain(name: string): string | undefined {
  const labels = parseName(name);
  return labels && formatName(labels);
}
