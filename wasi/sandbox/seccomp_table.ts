/**
 * Numbers of system calls on x86_64 and aarch64, as the kernel's `uapi` headers give them, for the
 * filter in `seccomp_filter.ts`.
 *
 * @module
 */

/** A system call's numbers, in the order of {@linkcode ARCHITECTURES}. */
export type CallNumbers = readonly [x86_64: number, aarch64: number];

/** The machines that Deno runs on. */
export const ARCHITECTURES = ["x86_64", "aarch64"] as const satisfies (typeof Deno.build.arch)[];

/** `AUDIT_ARCH_*`: what the kernel tells a filter about a call's machine. */
export const AUDIT_ARCH: Readonly<Record<typeof Deno.build.arch, number>> = {
  x86_64: 0xc000003e,
  aarch64: 0xc00000b7,
};

/** The machine has no such call. */
export const NONE = -1;

/** The newest call that the tables know: `mseal` of Linux 6.10, on both machines. */
export const NEWEST_CALL = 462;

/** Calls that neither a guest nor the runtime around it has a use for. */
export const REFUSED: Readonly<Record<string, CallNumbers>> = {
  // Other programs, and other processes' memory, threads and files.
  execve: [59, 221],
  execveat: [322, 281],
  fork: [57, NONE],
  vfork: [58, NONE],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  kcmp: [312, 272],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  rt_sigqueueinfo: [129, 138],
  rt_tgsigqueueinfo: [297, 240],
  tkill: [200, 130],
  // How other processes of the user are scheduled, and which group they are in.
  ioprio_set: [251, 30],
  sched_setscheduler: [144, 119],
  sched_setparam: [142, 118],
  sched_setattr: [314, 274],
  sched_setaffinity: [203, 122],
  setpgid: [109, 154],
  setsid: [112, 157],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  // Mounts, roots and namespaces.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  open_tree: [428, 428],
  mount_setattr: [442, 442],
  unshare: [272, 97],
  setns: [308, 268],
  swapon: [167, 224],
  swapoff: [168, 225],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  acct: [163, 89],
  // Ways around path rules, and around this filter.
  open_by_handle_at: [304, 265],
  name_to_handle_at: [303, 264],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_setup: [206, 0],
  io_submit: [209, 2],
  userfaultfd: [323, 282],
  remap_file_pages: [216, 234],
  // Changes of files that Landlock has no rule for, and WASI no call.
  chmod: [90, NONE],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  chown: [92, NONE],
  fchown: [93, 55],
  lchown: [94, NONE],
  fchownat: [260, 54],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  fsetxattr: [190, 7],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  fremovexattr: [199, 16],
  mknod: [133, NONE],
  mknodat: [259, 33],
  truncate: [76, 45],
  inotify_init: [253, NONE],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  // Memory and messages that processes of one user share.
  shmget: [29, 194],
  shmat: [30, 196],
  shmctl: [31, 195],
  shmdt: [67, 197],
  semget: [64, 190],
  semop: [65, 193],
  semtimedop: [220, 192],
  semctl: [66, 191],
  msgget: [68, 186],
  msgsnd: [69, 189],
  msgrcv: [70, 188],
  msgctl: [71, 187],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
  mq_timedsend: [242, 182],
  mq_timedreceive: [243, 183],
  mq_notify: [244, 184],
  mq_getsetattr: [245, 185],
  // Who the process is.
  setuid: [105, 146],
  setgid: [106, 144],
  setreuid: [113, 145],
  setregid: [114, 143],
  setresuid: [117, 147],
  setresgid: [119, 149],
  setfsuid: [122, 151],
  setfsgid: [123, 152],
  setgroups: [116, 159],
  capset: [126, 91],
  personality: [135, 92],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  // The machine itself.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, NONE],
  reboot: [169, 142],
  syslog: [103, 116],
  iopl: [172, NONE],
  ioperm: [173, NONE],
  modify_ldt: [154, NONE],
  uselib: [134, NONE],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  vhangup: [153, 58],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  ustat: [136, NONE],
  _sysctl: [156, NONE],
  get_kernel_syms: [177, NONE],
  query_module: [178, NONE],
  memfd_secret: [447, 447],
};

/** Calls that are allowed with some parameters. */
export const WATCHED = {
  clone: [56, 220],
  clone3: [435, 435],
  fcntl: [72, 25],
  ioctl: [16, 29],
  kill: [62, 129],
  prctl: [157, 167],
  prlimit64: [302, 261],
  sendmmsg: [307, 269],
  sendmsg: [46, 211],
  sendto: [44, 206],
  setpriority: [141, 140],
  socket: [41, 198],
  socketpair: [53, 199],
  tgkill: [234, 131],
} as const satisfies Record<string, CallNumbers>;
