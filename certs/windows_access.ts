/**
 * Who may look into a folder on Windows, by its access list.
 *
 * @module
 */

/** Groups that more people are in than the owner of a key would like, as SDDL names them. */
const BROAD: Readonly<Record<string, string>> = {
  WD: "Everyone",
  "S-1-1-0": "Everyone",
  BU: "Users",
  "S-1-5-32-545": "Users",
  AU: "Authenticated Users",
  "S-1-5-11": "Authenticated Users",
  IU: "INTERACTIVE",
  "S-1-5-4": "INTERACTIVE",
  NU: "NETWORK",
  "S-1-5-2": "NETWORK",
  BG: "Guests",
  "S-1-5-32-546": "Guests",
  AN: "ANONYMOUS LOGON",
  "S-1-5-7": "ANONYMOUS LOGON",
};

/**
 * The broad groups that an access list lets in, each once. `sddl` is in the language of security
 * descriptors ([MS-DTYP] 2.5.1), which is the same in every language of Windows. A list that is not
 * there lets everybody in; a text that is no descriptor is `undefined`.
 */
export function broadGroups(sddl: string): string[] | undefined {
  const list = /D:([A-Z_]*)((?:\([^)]*\))*)/.exec(sddl);
  if (list === null) return undefined;
  const [, flags = "", entries = ""] = list;
  if (flags.includes("NO_ACCESS_CONTROL")) return ["Everyone"];
  const found = new Set<string>();
  for (const [, entry = ""] of entries.matchAll(/\(([^)]*)\)/g)) {
    const [type, , rights, , , who = ""] = entry.split(";");
    const lets = type === "A" || type === "XA" || type === "OA";
    const group = BROAD[who];
    if (lets && rights !== "" && group !== undefined) found.add(group);
  }
  return [...found];
}
