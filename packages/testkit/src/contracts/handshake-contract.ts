import { readFileSync } from "node:fs";
import type { Crypto } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import { type HandshakeInputs, type KnownAnswerCase, replayHandshake } from "../vectors/handshake-replay.ts";

interface KnownAnswers {
  readonly inputs: HandshakeInputs;
  readonly cases: readonly KnownAnswerCase[];
}

/** Computed by two programs that share no code with this one. */
const file = new URL("../../../../spec/vectors/pcp/known-answers.json", import.meta.url);

/** A crypto implementation carries the whole handshake to the known bytes. */
export function handshakeContract(name: string, crypto: Crypto): void {
  const { inputs, cases } = JSON.parse(readFileSync(file, "utf8")) as KnownAnswers;

  describe(`known answers with ${name}`, () => {
    test("there are two cases, one for each form of signature [SIG-1] [SIG-2]", () => {
      expect(cases.map((known) => known.negotiated_version)).toEqual(["1.2", "1.1"]);
    });

    test.each(cases)(
      "the handshake and first messages of version $negotiated_version come out byte for byte [HS-1] [HS-2] [MSG-1]",
      (known) => {
        const { th3, exporter, messages, plaintexts } = replayHandshake(crypto, inputs, known.negotiated_version);
        expect(messages).toEqual(known.messages);
        expect({ th3, exporter }).toEqual({ th3: known.th3, exporter: known.exporter });
        expect(plaintexts).toEqual({ ready: known.plaintexts.ready, heartbeat_seq3: known.plaintexts.heartbeat_seq3 });
      },
    );
  });
}
