/**
 * Registries whose TLS is not to be believed. Each is a server of its own.
 *
 * @module
 */
import type { BadImages } from "./bad_image.ts";
import { Authority, type KeyPair } from "./certificates.ts";
import { BadRegistry } from "./registry.ts";

/** A server with bad TLS, and what the agent is told of it. */
export interface TlsPeer {
  readonly registry: BadRegistry;
  /** The agent believes its authority. */
  readonly isTrusted: boolean;
  /** The agent is told that it speaks plain HTTP. */
  readonly isPlain: boolean;
}

interface PlannedPeer extends Partial<Pick<TlsPeer, "isTrusted" | "isPlain">> {
  readonly certificate: KeyPair;
  readonly clientCa?: string;
}

const DAYS_PAST = [-9, -2] as const;
const DAYS_TO_COME = [2, 9] as const;

/** Starts one server for each row that needs one, by the row's name. */
export async function startTlsPeers(authority: Authority): Promise<Record<string, TlsPeer>> {
  const good = authority.issue();
  const peers: Readonly<Record<string, PlannedPeer>> = {
    "tls-expired": { certificate: authority.issue({ days: DAYS_PAST }) },
    "tls-not-yet": { certificate: authority.issue({ days: DAYS_TO_COME }) },
    "tls-other-name": { certificate: authority.issue({ name: "elsewhere.example" }) },
    "tls-client": { certificate: good, clientCa: authority.pem },
    "tls-unknown": { certificate: new Authority().issue(), isTrusted: false },
    "tls-as-plain": { certificate: good, isPlain: true },
  };
  const started = Object.entries(peers).map(async ([name, peer]) => {
    const { certificate, clientCa, isTrusted = true, isPlain = false } = peer;
    const tls = { ...certificate, ...(clientCa === undefined ? {} : { clientCa }) };
    const registry = await BadRegistry.start(tls);
    return [name, { registry, isTrusted, isPlain }] as const;
  });
  return Object.fromEntries(await Promise.all(started));
}

/** Rows in which no trust is found. */
export function tlsImages(peers: Readonly<Record<string, TlsPeer>>): BadImages {
  const image = (name: string) => (): string => peers[name]!.registry.image("app");
  return {
    "tls-expired": {
      image: image("tls-expired"),
      says:
        /the certificate of host "127\S+ has expired: renew it, or is this machine's clock wrong/,
    },
    "tls-not-yet": {
      image: image("tls-not-yet"),
      says: /the certificate of host "127\S+ is not valid yet: is this machine's clock right\?/,
    },
    "tls-other-name": {
      image: image("tls-other-name"),
      says: /is for another name: .*elsewhere\.example.*; use that one, or renew it for this one/,
    },
    "tls-client": {
      image: image("tls-client"),
      says:
        /host "127\S+ asks for a client certificate; start the agent with --registry-client-cert 127/,
    },
    "tls-unknown": {
      image: image("tls-unknown"),
      says: /is signed by an unknown authority; start the agent with --registry-ca 127\S+=FILE/,
    },
    "tls-as-plain": {
      image: image("tls-as-plain"),
      says: /does not speak plain HTTP; if it speaks HTTPS, take "127\S+ off --insecure-registries/,
    },
    "plain-as-tls": {
      image: ({ registry }) => `${registry.otherHost}/app:v1`,
      says:
        /does not speak HTTPS; for a registry on plain HTTP .*--insecure-registries localhost:\d+/,
    },
  };
}
