/**
 * The bytes that both ends of SPDY/3 know before the first header is sent: section 2.6.10.1.
 *
 * @module
 */

/** Names and values of their time, each with its length before it. */
const WORDS = [
  ..."options head post put delete trace accept accept-charset accept-encoding".split(" "),
  ..."accept-language accept-ranges age allow authorization cache-control connection".split(" "),
  ..."content-base content-encoding content-language content-length content-location".split(" "),
  ..."content-md5 content-range content-type date etag expect expires from host if-match".split(
    " ",
  ),
  ..."if-modified-since if-none-match if-range if-unmodified-since last-modified location".split(
    " ",
  ),
  ..."max-forwards pragma proxy-authenticate proxy-authorization range referer".split(" "),
  ..."retry-after server te trailer transfer-encoding upgrade user-agent vary via".split(" "),
  ..."warning www-authenticate method get status".split(" "),
  "200 OK",
  ..."version HTTP/1.1 url public set-cookie keep-alive origin".split(" "),
];

/** Pieces of values, which have no length. */
const TAIL =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 " +
  "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service " +
  "UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, " +
  "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml," +
  "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch" +
  "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/** The dictionary of the zlib streams that headers come in. */
export const HEADER_DICTIONARY: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  WORDS.map((word) => `\0\0\0${String.fromCharCode(word.length)}${word}`).join("") + TAIL,
);

/** Adler-32 of {@linkcode HEADER_DICTIONARY}, by which a zlib stream names it (RFC 1950, `DICTID`). */
export const HEADER_DICTIONARY_ID = 0xe3c6a7c2;
