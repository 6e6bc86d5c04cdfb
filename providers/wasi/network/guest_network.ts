import type { NetworkAnswer, NetworkRequest } from "../../../lib/mod.ts";
import type {
  AddressDecision,
  AddressRequest,
  NetworkAddress,
  NetworkNews,
  Refused,
  Soon,
  WasiOptions,
} from "../../../wasi/mod.ts";
import { isName, type NetworkTicket } from "./words.ts";

/** Who answers a guest's host. */
export interface Line extends NetworkNews {
  /** Answers at once, or, on the portable host, soon. */
  ask(request: NetworkRequest): Soon<NetworkAnswer | Refused>;
}

/** What a guest's host is told of its network: that it should ask the agent. */
export function networkOptions(
  line: Line,
  { ticket: { listeners, loopback }, awaitsListeners }: {
    readonly ticket: NetworkTicket;
    readonly awaitsListeners: boolean;
  },
): WasiOptions {
  return {
    allowAddress: (request) => decide(line, request),
    lookup(name): Soon<readonly string[] | Refused> {
      if (!isName(name)) return []; // guests may be handed any text; nobody has such a name
      const answer = line.ask({ want: "resolve", name });
      return answer instanceof Promise ? answer.then(addressesIn) : addressesIn(answer);
    },
    networkNews: line,
    ...(loopback === undefined ? {} : { loopback }),
    ...(awaitsListeners ? { listeners: listeners.map(addressOf) } : {}),
  };
}

function addressesIn(answer: NetworkAnswer | Refused): readonly string[] | Refused {
  if ("refused" in answer) return answer;
  return "addresses" in answer ? answer.addresses : [];
}

function decide(line: Line, request: AddressRequest): Soon<AddressDecision> {
  const { purpose } = request;
  if (purpose === "resolve") return true; // the look-up asks
  const answer = line.ask(questionOf(request, purpose));
  return answer instanceof Promise
    ? answer.then((it) => decisionBy(it, purpose))
    : decisionBy(answer, purpose);
}

function decisionBy(
  answer: NetworkAnswer | Refused,
  purpose: AddressRequest["purpose"],
): AddressDecision {
  if ("refused" in answer) return answer;
  if (!("endpoint" in answer)) return false;
  if (purpose === "accept") return true;
  const { endpoint, source } = answer;
  return {
    address: addressOf(endpoint),
    ...(source === undefined ? {} : { source: addressOf(source) }),
  };
}

function questionOf(
  { protocol, address, local }: AddressRequest,
  want: Exclude<AddressRequest["purpose"], "resolve">,
): NetworkRequest {
  const endpoint = endpointOf(address);
  if (want !== "accept") return { want, protocol, endpoint };
  return { want, protocol, endpoint, local: endpointOf(local ?? address) };
}

function endpointOf({ hostname, port }: NetworkAddress): { ip: string; port: number } {
  return { ip: hostname, port };
}

function addressOf({ ip, port }: { readonly ip: string; readonly port: number }): NetworkAddress {
  return { hostname: ip, port };
}
