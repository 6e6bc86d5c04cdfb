import { ERRNO } from "../errno.ts";
import type { Calls, GuestState } from "./state.ts";

/** `sock_*`: no descriptor is a socket, and each says so. */
export function sockCalls({ table }: GuestState): Calls {
  const refuse = (fd: number): number => {
    table.get(fd);
    return ERRNO.notsock;
  };
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse };
}
