/**
 * Writes the little programs by which the kernel judges system calls (`man 2 seccomp`): classic BPF
 * over a call's number, machine and parameters. They only jump forward, so all of them end.
 *
 * @module
 */

/** One instruction: `struct sock_filter`. */
export interface Instruction {
  readonly code: number;
  /** Instructions to skip if a comparison holds. */
  readonly jt: number;
  /** Instructions to skip if it does not. */
  readonly jf: number;
  readonly k: number;
}

/** Instructions that run one after the other. */
export type Code = readonly Instruction[];

/** `sizeof(struct sock_filter)`. */
export const INSTRUCTION_BYTES = 8;

const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_FROM = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const RET_ALLOW = 0x7fff_0000;
const RET_ERRNO = 0x0005_0000;

/** Where `struct seccomp_data` has a call's number, its machine, and its first parameter. */
const NUMBER_AT = 0;
const MACHINE_AT = 4;
const PARAMETERS_AT = 16;

/** Lets the call pass. */
export const ALLOW: Code = [instruction(RETURN, RET_ALLOW)];

/** Makes the call fail with this error number. */
export function refuse(errno: number): Code {
  return [instruction(RETURN, RET_ERRNO | errno)];
}

/** Goes on if the low 32 bits of a parameter, or those of them in `mask`, are one of the values. */
export function demand(
  { parameter, mask }: { readonly parameter: number; readonly mask?: number },
  values: readonly number[],
  otherwise: Code,
): Code {
  return [
    ...loadParameter(parameter),
    ...(mask === undefined ? [] : [instruction(AND, mask)]),
    ...values.map((value, index) =>
      instruction(JUMP_EQUAL, value, { jt: values.length - 1 - index + otherwise.length })
    ),
    ...otherwise,
  ];
}

/** Goes on if the low 32 bits of a parameter are none of the values. */
export function forbid(parameter: number, values: readonly number[], otherwise: Code): Code {
  return values.flatMap((value) => [
    ...loadParameter(parameter),
    instruction(JUMP_EQUAL, value, { jf: otherwise.length }),
    ...otherwise,
  ]);
}

/** Goes on if a parameter has none of these bits. */
export function forbidBits(parameter: number, bits: number, otherwise: Code): Code {
  return [
    ...loadParameter(parameter),
    instruction(JUMP_ANY_BIT, bits, { jf: otherwise.length }),
    ...otherwise,
  ];
}

/** Goes on if the call is made in this machine's own way, and not as a 32-bit program makes it. */
export function demandMachine(auditArch: number, otherwise: Code): Code {
  return [
    instruction(LOAD_WORD, MACHINE_AT),
    instruction(JUMP_EQUAL, auditArch, { jt: otherwise.length }),
    ...otherwise,
  ];
}

/** From this number of a call on, up to the next segment's, this code decides. */
export interface Segment {
  readonly from: number;
  readonly code: Code;
}

/** Chooses by the call's number, in as many steps as halving takes. The first segment is from 0. */
export function choose(segments: readonly Segment[]): Code {
  const code = [instruction(LOAD_WORD, NUMBER_AT)];
  halve(segments, { start: 0, end: segments.length, code });
  return code;
}

function halve(
  segments: readonly Segment[],
  { start, end, code }: { start: number; end: number; code: Instruction[] },
): void {
  if (end - start === 1) {
    code.push(...segments[start]!.code);
    return;
  }
  const middle = (start + end) >> 1;
  // A comparison skips at most 255 instructions, so the way over the low half is a jump.
  code.push(instruction(JUMP_FROM, segments[middle]!.from, { jf: 1 }));
  const over = code.push(instruction(JUMP, 0)) - 1;
  halve(segments, { start, end: middle, code });
  code[over] = instruction(JUMP, code.length - over - 1);
  halve(segments, { start: middle, end, code });
}

function loadParameter(index: number): Code {
  return [instruction(LOAD_WORD, PARAMETERS_AT + 8 * index)]; // the low half, on both machines
}

function instruction(code: number, k: number, { jt = 0, jf = 0 } = {}): Instruction {
  return { code, jt, jf, k: k >>> 0 };
}
