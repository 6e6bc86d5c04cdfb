/**
 * Pages that tell of the node: they are made when somebody asks, and sent as a whole.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type DrainOptions, end, write } from "./drain.ts";
import { sendText } from "./responses.ts";
import type { PageName } from "./routes.ts";

/** What somebody wants of a page. */
export interface PageRequest {
  /** The `Accept` header; empty if there is none. */
  readonly accept: string;
  /** What follows the page's own path, decoded and split. */
  readonly rest: readonly string[];
  readonly params: URLSearchParams;
}

/** What is sent. */
export interface PageAnswer {
  /** @default 200 */
  readonly status?: number;
  readonly contentType: string;
  /** A stream is read to its end, or let go when its reader leaves. */
  readonly body: string | AsyncIterable<Uint8Array>;
}

/** Makes a page. Rejects only for a defect of the agent. */
export type Page = (request: PageRequest) => PageAnswer | Promise<PageAnswer>;

/** The pages of a node. The server answers 501 for those that it has not. */
export type Pages = Readonly<Partial<Record<PageName, Page>>>;

/** Shorter ones gain nothing by being packed. */
const GZIP_BYTES_MIN = 1_024;
/** Pages that are made at once: a few monitors ask for a few pages each. */
export const PAGES_AT_ONCE_MAX = 32;

const pack = promisify(gzip);

/** Makes pages for whoever asks, a limited number at a time. */
export class PageDesk {
  readonly #pages: Pages;
  readonly #stalledMs: number;
  #busy = 0;

  /** A reader that takes nothing for `stalledMs` holds its place for nothing, and is cut off. */
  constructor(pages: Pages, { stalledMs }: { readonly stalledMs: number }) {
    this.#pages = pages;
    this.#stalledMs = stalledMs;
  }

  /** Answers a request for a page. Rejects if the page could not be made. */
  async serve(
    { page: name, rest }: { readonly page: PageName; readonly rest: readonly string[] },
    { request, response, params, gone }: {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
      readonly params: URLSearchParams;
      /** Aborted when nobody waits for the answer any more. */
      readonly gone: AbortSignal;
    },
  ): Promise<void> {
    const page = this.#pages[name];
    if (page === undefined) {
      return sendText(response, { status: 501, text: "Not implemented by this node" });
    }
    if (this.#busy >= PAGES_AT_ONCE_MAX) {
      return sendText(response, {
        status: 429,
        text:
          `Too many pages are asked of this node at once: ${PAGES_AT_ONCE_MAX}; try again later`,
        headers: { "retry-after": "1" },
      });
    }
    this.#busy++;
    try {
      const answer = await page({ accept: request.headers.accept ?? "", rest, params });
      const gzips = takesGzip(request.headers["accept-encoding"]);
      await send(response, answer, { gzips, stalledMs: this.#stalledMs, signal: gone });
    } finally {
      this.#busy--;
    }
  }
}

async function send(
  response: ServerResponse,
  { status = 200, contentType, body }: PageAnswer,
  { gzips, ...draining }: DrainOptions & { readonly gzips: boolean },
): Promise<void> {
  if (typeof body !== "string") {
    response.writeHead(status, {
      "content-type": contentType,
      "x-content-type-options": "nosniff",
    });
    for await (const bytes of body) if (!await write(response, bytes, draining)) break;
    return await end(response, draining);
  }
  const bytes = new TextEncoder().encode(body);
  const packed = gzips && bytes.length >= GZIP_BYTES_MIN;
  const sent = packed ? await pack(bytes) : bytes;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": sent.length,
    "x-content-type-options": "nosniff",
    vary: "accept-encoding",
    ...(packed ? { "content-encoding": "gzip" } : {}),
  });
  await write(response, sent, draining);
  await end(response, draining);
}

function takesGzip(header: string | readonly string[] | undefined): boolean {
  return [header ?? ""].flat().join(",").split(",").some((one) => {
    const [coding, quality = ""] = one.split(";").map((part) => part.trim());
    return coding === "gzip" && !/^q=0(\.0*)?$/.test(quality);
  });
}
