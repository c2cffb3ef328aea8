/** What reaches this package's decoders from disk and from the wire, mutated. Settings and whole key folders are fuzzed beside their readers. */
import { type Bytes, encodeUtf8 } from "@hikyaku/protocol";
import { fuzz, readDidKeyCases, readHostileTexts, readKnownMessages } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { formatEndpoint, parseEndpoint } from "./config/endpoint.ts";
import { decodeKeyFile, encodeKeyFile } from "./keystore/key-file.ts";
import { decodeAnswer, encodeAnswer } from "./transports/http-answer.ts";

const runs = 2000;
const [known] = readDidKeyCases();
if (known === undefined) throw new Error("there is no did:key to begin with");
const { did, seed } = known;

test("a mutated key file is refused, or is the one spelling of what it says [KEY-3]", () => {
  const storageKey = seed.slice().reverse();
  const sealed = { protection: "scrypt", did, salt: seed, iv: seed.slice(0, 12), sealed: new Uint8Array(80) } as const;
  const files = [encodeKeyFile({ protection: "none", did, seed, storageKey }), encodeKeyFile(sealed)];
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const file = decodeKeyFile(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
    return file === undefined ? undefined : encodeUtf8(encodeKeyFile(file));
  };
  const { accepted, slowestMs } = fuzz({ corpus: [...files, ...files, ...readHostileTexts().slice(0, 30)].map(toBytes), reencode, runs });
  expect(accepted).toBeGreaterThan(1);
  expect(slowestMs).toBeLessThan(1000);
});

test.each([200, 400, 503])(
  "a mutated answer with status %i is one refusal, or means the same when it is written again [HTTP-6]",
  (status) => {
    const replies = readKnownMessages().slice(0, 3);
    const corpus = [
      encodeAnswer({ kind: "received", replies, more: true }, did).body,
      encodeAnswer({ kind: "received", replies: [], more: false }, did).body,
      encodeAnswer({ kind: "refused", code: "REJECTED" }, did).body,
      encodeAnswer({ kind: "refused", code: "INVALID_VERSION", versions: ["1.2", "1.0"] }, did).body,
      encodeAnswer({ kind: "refused", code: "RATE_LIMITED", retryAfterS: 7 }, did).body,
      encodeAnswer({ kind: "refused", code: "INTERNAL_ERROR", correlationId: "abc" }, did).body,
      ...readHostileTexts().slice(0, 20),
    ];
    // A refusal and the whole out of form have one answer, so it is the meaning that has to come back, and not the bytes.
    const reencode = (bytes: Bytes): Bytes | undefined => {
      const reception = decodeAnswer(status, bytes);
      if (reception.kind === "refused" && reception.code === "MALFORMED_MESSAGE") return undefined;
      const again = encodeAnswer(reception, did);
      const { kind } = reception;
      expect(decodeAnswer(kind === "received" ? 200 : again.status, again.body)).toMatchObject(kind === "received" ? reception : { kind });
      return bytes;
    };
    const { accepted, refused, medianMs, slowestMs } = fuzz({ corpus, reencode, runs });
    expect(accepted).toBeGreaterThan(1);
    expect(refused).toBeGreaterThan(runs / 10);
    // The rule is 50 ms a call; a machine that does other things may hold one call up.
    expect(medianMs).toBeLessThan(5);
    expect(slowestMs).toBeLessThan(1000);
  },
);

test("a mutated endpoint is refused, or is the one spelling of its host and port", () => {
  const corpus = ["127.0.0.1:7340", "[::1]:0", "desk.local:65535", "localhost:1"].map(toBytes);
  const reencode = (bytes: Bytes): Bytes | undefined => {
    const endpoint = parseEndpoint(new TextDecoder("latin1").decode(bytes));
    return endpoint === undefined ? undefined : encodeUtf8(formatEndpoint(endpoint));
  };
  const { accepted, refused } = fuzz({ corpus, reencode, runs });
  expect([accepted > 4, refused > runs / 10]).toEqual([true, true]);
});

function toBytes(entry: string | Bytes): Bytes {
  return typeof entry === "string" ? encodeUtf8(entry) : entry;
}
