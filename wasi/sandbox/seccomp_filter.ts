import {
  ALLOW,
  choose,
  type Code,
  demand,
  demandMachine,
  forbid,
  forbidBits,
  refuse,
  type Segment,
} from "./bpf.ts";
import { ARCHITECTURES, AUDIT_ARCH, NEWEST_CALL, NONE, REFUSED, WATCHED } from "./seccomp_table.ts";

const EPERM = refuse(1);
const EACCES = refuse(13);
/** What callers take for an older kernel, and have another way for. */
const ENOSYS = refuse(38);

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** `SOCK_TYPE_MASK`: without `SOCK_CLOEXEC` and `SOCK_NONBLOCK`. */
const SOCK_TYPES = 0xf;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const MSG_FASTOPEN = 0x2000_0000;
const CLONE_THREAD = 0x10000;
/** `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID`, `NEWNET` and `NEWTIME`. */
const CLONE_NEW = 0x7e02_0080;
const PR_SET_PDEATHSIG = 1;
/** With `who` 0: the calling thread. */
const PRIO_PROCESS = 0;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const FIOSETOWN = 0x8901;
const SIOCSPGRP = 0x8902;
/** `F_SETOWN`, `F_SETSIG`, `F_SETOWN_EX` and `F_NOTIFY`. */
const SIGNALLING = [8, 10, 15, 1026];

/**
 * The filter around every guest's process: all that needs no path and no port, for which Landlock has
 * no rule. It lists what is refused, because a runtime's needs change with its version, and refuses
 * calls that are newer than the list. Of sockets it leaves TCP and UDP.
 */
export function buildProcessFilter(
  { arch, pid }: { readonly arch: typeof Deno.build.arch; readonly pid: number },
): Code {
  const machine = ARCHITECTURES.indexOf(arch);
  const verdicts = new Map<number, Code>();
  for (const numbers of Object.values(REFUSED)) verdicts.set(numbers[machine]!, EPERM);
  for (const [name, code] of Object.entries(watched(pid))) {
    verdicts.set(WATCHED[name as keyof typeof WATCHED][machine]!, code);
  }
  verdicts.delete(NONE);
  return [...demandMachine(AUDIT_ARCH[arch], EPERM), ...choose(segments(verdicts))];
}

/** The filter for a guest that needs less than TCP and UDP, on top of the other. */
export function buildSocketFilter(
  { arch, sockets }: {
    readonly arch: typeof Deno.build.arch;
    readonly sockets: "none" | "tcp";
  },
): Code {
  const socket = WATCHED.socket[ARCHITECTURES.indexOf(arch)]!;
  const code = sockets === "none" ? EACCES : demandSockets([SOCK_STREAM]);
  return choose(segments(new Map([[socket, code]]), { newest: ALLOW }));
}

function watched(pid: number): Record<keyof typeof WATCHED, Code> {
  const self = (parameter: number): Code => demand({ parameter }, [pid], EPERM);
  // A connection that is opened by sending passes Landlock's rules for ports by.
  const noFastOpen = (parameter: number): Code => [
    ...forbidBits(parameter, MSG_FASTOPEN, EACCES),
    ...ALLOW,
  ];
  return {
    // Threads, and neither processes nor namespaces.
    clone: [
      ...forbidBits(0, CLONE_NEW, EPERM),
      ...demand({ parameter: 0, mask: CLONE_THREAD }, [CLONE_THREAD], EPERM),
      ...ALLOW,
    ],
    // Its flags lie in memory, where no filter can look; libc then uses `clone`.
    clone3: ENOSYS,
    // Any signal to any process, sent by the kernel when a pipe has something to read.
    fcntl: [...forbid(1, SIGNALLING, EPERM), ...ALLOW],
    // The same, and what a terminal would take for typed.
    ioctl: [...forbid(1, [TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP], EPERM), ...ALLOW],
    kill: [...self(0), ...ALLOW],
    tgkill: [...self(0), ...ALLOW],
    // A guest's process ends with the one that started it, also if it would rather not.
    prctl: [...forbid(0, [PR_SET_PDEATHSIG], EPERM), ...ALLOW],
    prlimit64: [...demand({ parameter: 0 }, [0, pid], EPERM), ...ALLOW],
    // Its own priority only.
    setpriority: [
      ...demand({ parameter: 0 }, [PRIO_PROCESS], EPERM),
      ...demand({ parameter: 1 }, [0], EPERM),
      ...ALLOW,
    ],
    sendto: noFastOpen(3),
    sendmsg: noFastOpen(2),
    sendmmsg: noFastOpen(3),
    socket: demandSockets([SOCK_STREAM, SOCK_DGRAM]),
    // What the runtime wakes itself with. A pair for datagrams could send to any path as well.
    socketpair: [
      ...demand({ parameter: 0 }, [AF_UNIX], EACCES),
      ...demand({ parameter: 1, mask: SOCK_TYPES }, [SOCK_STREAM], EACCES),
      ...ALLOW,
    ],
  };
}

/** Internet sockets of these types, and nothing else that the kernel calls a socket. */
function demandSockets(types: readonly number[]): Code {
  return [
    ...demand({ parameter: 0 }, [AF_INET, AF_INET6], EACCES),
    ...demand({ parameter: 1, mask: SOCK_TYPES }, types, EACCES),
    ...demand({ parameter: 2 }, [0, IPPROTO_TCP, IPPROTO_UDP], EACCES),
    ...ALLOW,
  ];
}

/** Joins neighbours with the same verdict. What is not judged is allowed, up to the newest call. */
function segments(
  verdicts: ReadonlyMap<number, Code>,
  { newest = ENOSYS }: { readonly newest?: Code } = {},
): Segment[] {
  const joined: Segment[] = [{ from: 0, code: ALLOW }];
  const add = (from: number, code: Code): void => {
    if (joined.at(-1)!.from === from) joined.pop();
    if (joined.at(-1)?.code !== code) joined.push({ from, code });
  };
  for (const number of [...verdicts.keys()].sort((one, other) => one - other)) {
    add(number, verdicts.get(number)!);
    add(number + 1, ALLOW);
  }
  add(NEWEST_CALL + 1, newest);
  return joined;
}
