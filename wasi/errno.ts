/**
 * The error numbers of WASI preview 1 (`errno` in `wasi_snapshot_preview1.witx`).
 *
 * @module
 */

const NAMES = [
  ..."success 2big acces addrinuse addrnotavail afnosupport again already badf badmsg".split(" "),
  ..."busy canceled child connaborted connrefused connreset deadlk destaddrreq dom".split(" "),
  ..."dquot exist fault fbig hostunreach idrm ilseq inprogress intr inval io isconn".split(" "),
  ..."isdir loop mfile mlink msgsize multihop nametoolong netdown netreset".split(" "),
  ..."netunreach nfile nobufs nodev noent noexec nolck nolink nomem nomsg".split(" "),
  ..."noprotoopt nospc nosys notconn notdir notempty notrecoverable notsock notsup".split(" "),
  ..."notty nxio overflow ownerdead perm pipe proto protonosupport prototype range".split(" "),
  ..."rofs spipe srch stale timedout txtbsy xdev notcapable".split(" "),
  // What WasmEdge's sock_getaddrinfo answers.
  ..."aiaddrfamily aiagain aibadflag aifail aifamily aimemory ainodata ainoname".split(" "),
  ..."aiservice aisocktype aisystem".split(" "),
];

/** The numbers that this host answers with on its own account. */
export const ERRNO = {
  success: 0,
  acces: 2,
  addrinuse: 3,
  addrnotavail: 4,
  afnosupport: 5,
  again: 6,
  already: 7,
  badf: 8,
  busy: 10,
  connrefused: 14,
  destaddrreq: 17,
  exist: 20,
  fault: 21,
  fbig: 22,
  hostunreach: 23,
  ilseq: 25,
  inprogress: 26,
  intr: 27,
  inval: 28,
  io: 29,
  isconn: 30,
  isdir: 31,
  loop: 32,
  mfile: 33,
  nametoolong: 37,
  netdown: 38,
  nodev: 43,
  noent: 44,
  noprotoopt: 50,
  nosys: 52,
  notconn: 53,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  notsup: 58,
  overflow: 61,
  perm: 63,
  pipe: 64,
  prototype: 67,
  range: 68,
  rofs: 69,
  spipe: 70,
  stale: 72,
  xdev: 75,
  notcapable: 76,
  aiagain: 78,
  aifail: 80,
  aifamily: 81,
  aimemory: 82,
  ainoname: 84,
  aiservice: 85,
  aisocktype: 86,
} as const;

/** The name of an error number, as `noent`; unknown numbers are printed as numbers. */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? String(errno);
}

/** The number of an error name without its E and in lower case, as `noent`; `io` if unknown. */
export function errnoOf(name: string): number {
  const errno = NAMES.indexOf(name === "opnotsupp" ? "notsup" : name);
  return errno === -1 ? ERRNO.io : errno;
}
