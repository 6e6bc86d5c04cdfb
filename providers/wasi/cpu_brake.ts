/**
 * Keeps guests within their CPU limits without any privilege: who has used up its time is stopped
 * (SIGSTOP), and goes on (SIGCONT) when there is time again.
 *
 * @module
 */
import type { CpuAlarm, CpuAlarms } from "./cpu_alarms.ts";
import { type CpuAccount, look, openAccount } from "./cpu_budget.ts";
import { type CpuClock, cpuClockOf } from "./cpu_clock.ts";
import type { BoundProcess, CpuKeeper, GuestBounds } from "./cpu_keeper.ts";
import { CPU_ALARM_REST_MS, CPU_LOOK_MS_MIN } from "./limits.ts";

/** What a {@linkcode CpuBrake} works with. */
export interface CpuBrakeOptions {
  readonly clock: CpuClock;
  /** Opens what wakes it when a container that sleeps begins to compute. @default {nothing: it looks} */
  alarms?(onRing: () => void): CpuAlarms | undefined;
  /** CPUs of the machine: a limit beyond them is none. */
  readonly cpus: number;
  /** A clock that only goes forward, in ms. @default {performance.now} */
  nowMs?(): number;
}

/** All processes of one container, and what they may use together. */
interface Group {
  readonly processes: Map<BoundProcess, Seen>;
  /** Absent: it has no limit, and nobody looks. */
  account: CpuAccount | undefined;
  /** True while alarms are set in the place of looks. */
  asleep: boolean;
}

/** What is known of one process. */
interface Seen {
  /** What it had used at the last look. */
  usedMs: number;
  /** Made when it was first needed. */
  alarm: CpuAlarm | undefined;
}

/**
 * Looks at those that have a limit and compute, and at nobody else. One timer serves all; each look is a call of the
 * kernel. The agent's death leaves no guest stopped: the kernel kills guests then, and a stop does not hold that up.
 */
export class CpuBrake implements CpuKeeper {
  readonly how = "stops (SIGSTOP)";
  readonly #clock: CpuClock;
  readonly #alarms: CpuAlarms | undefined;
  readonly #cpus: number;
  readonly #nowMs: () => number;
  readonly #groups = new Map<string, Group>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesMs = Infinity;
  /** An alarm has rung, and those that sleep were not looked at since. */
  #rang = false;
  #closed = false;
  #sleepersSeenMs = -Infinity;

  constructor({ clock, alarms, cpus, nowMs = () => performance.now() }: CpuBrakeOptions) {
    this.#clock = clock;
    this.#cpus = cpus;
    this.#nowMs = nowMs;
    this.#alarms = alarms?.(() => this.#rung());
  }

  /** See {@linkcode CpuKeeper.hold}. */
  hold(id: string, process: BoundProcess, { cpuMillis }: GuestBounds): Promise<AsyncDisposable> {
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = { processes: new Map(), account: undefined, asleep: false };
      this.#groups.set(id, group);
      this.#limit(group, cpuMillis);
    }
    const { processes } = group;
    const seen: Seen = { usedMs: this.#clock.usedMs(process.pid) ?? 0, alarm: undefined };
    processes.set(process, seen);
    if (group.asleep) this.#lookNow(group);
    // Who joins a container that rests rests as well: its time is the container's.
    if (group.account?.resting === true) process.pause();
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        seen.alarm?.[Symbol.dispose]();
        processes.delete(process);
        if (processes.size === 0 && this.#groups.get(id) === group) this.#groups.delete(id);
        if (this.#groups.size === 0) this.#sleep();
        return Promise.resolve();
      },
    });
  }

  /** See {@linkcode CpuKeeper.change}. */
  change(id: string, cpuMillis: number | undefined): boolean {
    const group = this.#groups.get(id);
    if (group === undefined) return false;
    this.#limit(group, cpuMillis);
    return true;
  }

  /** See {@linkcode CpuKeeper.close}. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sleep();
    // One that rings when nobody listens any more would end this program; whoever is still held needs none.
    for (const { processes } of this.#groups.values()) {
      for (const seen of processes.values()) {
        seen.alarm?.[Symbol.dispose]();
        seen.alarm = undefined;
      }
    }
    this.#groups.clear();
    this.#alarms?.[Symbol.dispose]();
    this.#clock[Symbol.dispose]();
  }

  #limit(group: Group, cpuMillis: number | undefined): void {
    const share = cpuMillis === undefined ? Infinity : cpuMillis / 1_000;
    const before = group.account;
    if (before?.share === share) return;
    this.#used(group);
    group.asleep = false;
    group.account = share >= this.#cpus ? undefined : openAccount(share, this.#nowMs());
    if (before?.resting === true) {
      for (const process of group.processes.keys()) {
        process.resume();
      }
    }
    if (group.account !== undefined) this.#wakeAt(group.account.nextMs);
  }

  /** Looks at whoever is due. */
  #round(): void {
    const nowMs = this.#nowMs();
    this.#wakesMs = Infinity;
    let nextMs = this.#seeSleepers(nowMs);
    for (const group of this.#groups.values()) {
      if (group.account === undefined || group.asleep) continue;
      // Those that are almost due do not need another waking.
      if (group.account.nextMs <= nowMs + CPU_LOOK_MS_MIN / 2) this.#look(group, group.account);
      if (!group.asleep) nextMs = Math.min(nextMs, group.account.nextMs);
    }
    if (nextMs !== Infinity) this.#wakeAt(nextMs);
  }

  #look(group: Group, before: CpuAccount): void {
    const usedMs = this.#used(group);
    const now = look(before, { nowMs: this.#nowMs(), usedMs, cpus: this.#cpus });
    group.account = now;
    group.asleep = now.calm && this.#setAlarms(group, now.balanceMs);
    if (now.resting === before.resting) return;
    for (const process of group.processes.keys()) {
      if (now.resting) process.pause();
      else process.resume();
    }
  }

  /** CPU time of all processes since it was last asked for. */
  #used({ processes }: Group): number {
    let totalMs = 0;
    for (const [{ pid }, seen] of processes) {
      const usedMs = this.#clock.usedMs(pid) ?? seen.usedMs; // it is gone: its last moments are forgiven
      totalMs += Math.max(0, usedMs - seen.usedMs);
      seen.usedMs = usedMs;
    }
    return totalMs;
  }

  /** False if there are no alarms: then somebody has to look. */
  #setAlarms({ processes }: Group, balanceMs: number): boolean {
    if (this.#alarms === undefined) return false;
    const afterMs = Math.max(CPU_LOOK_MS_MIN, balanceMs / processes.size);
    for (const [{ pid }, seen] of processes) {
      seen.alarm ??= this.#alarms.for(cpuClockOf(pid));
      if (seen.alarm?.set(afterMs) !== true) return false;
    }
    return true;
  }

  /** Somebody who slept has computed; nobody says who. */
  #rung(): void {
    this.#rang = true;
    this.#wakeAt(Math.max(this.#nowMs(), this.#sleepersSeenMs + CPU_ALARM_REST_MS));
  }

  /** Looks at those that sleep, if it is time; returns when it will be. */
  #seeSleepers(nowMs: number): number {
    if (!this.#rang) return Infinity;
    const dueMs = this.#sleepersSeenMs + CPU_ALARM_REST_MS;
    if (dueMs > nowMs) return dueMs;
    this.#rang = false;
    this.#sleepersSeenMs = nowMs;
    for (const group of this.#groups.values()) {
      if (group.asleep && group.account !== undefined) this.#look(group, group.account);
    }
    return Infinity;
  }

  #lookNow(group: Group): void {
    if (group.account === undefined) return;
    this.#look(group, group.account);
    if (!group.asleep) this.#wakeAt(group.account.nextMs);
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#wakesMs) return;
    clearTimeout(this.#timer);
    this.#wakesMs = atMs;
    this.#timer = setTimeout(() => this.#round(), Math.max(0, Math.ceil(atMs - this.#nowMs())));
    Deno.unrefTimer(this.#timer);
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#wakesMs = Infinity;
  }
}
