/** A pinned peer that the node can call: what it is asked, and what it answers, is the attack's to say. */
import {
  type Abilities,
  answerOffer,
  type Bytes,
  type Crypto,
  type Envelope,
  encodeEnvelope,
  pureCrypto,
  readOffer,
  type UnsignedEnvelope,
} from "@hikyaku/protocol";
import { edited, type Fields } from "./canonical.ts";
import type { Ear, Reply } from "./ear.ts";
import { dice, everyAbility, keyOf, type Puppet, readEnvelope } from "./puppet.ts";
import type { Target } from "./target.ts";

const callMsMax = 5000;

export class Callee {
  readonly puppet: Puppet;
  readonly ear: Ear;
  readonly #target: Target;

  constructor(target: Target, parts: { readonly puppet: Puppet; readonly ear: Ear }) {
    this.#target = target;
    this.puppet = parts.puppet;
    this.ear = parts.ear;
  }

  /** Has a letter wait at the node, and then the node call here at once: its first frame is answered, later tries are not. The code that its owner got, or `answered`. */
  async isCalled(answer: (m1: Envelope) => Promise<Reply> | Reply): Promise<string> {
    await this.#target.ask("POST", "/messages", { to: this.puppet.did, body: { text: "nobody else may read this" } });
    let isFirst = true;
    this.ear.answer = (frame) => {
      if (!isFirst) return { status: 400, text: "{}" };
      isFirst = false;
      return answer(readEnvelope(frame));
    };
    return await this.#target.ask("POST", `/peers/${encodeURIComponent(this.puppet.did)}/ping`, { timeoutMs: callMsMax }).then(
      () => "answered",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
  }

  /** A sound second message to the node's first one, unless told otherwise. `heard` is the offer that it claims to answer. */
  answerTo(
    m1: Envelope,
    {
      crypto = pureCrypto,
      heard = m1,
      abilities = everyAbility,
    }: { readonly crypto?: Crypto; readonly heard?: Envelope; readonly abilities?: Abilities } = {},
  ): Envelope {
    const read = readOffer(pureCrypto, m1, keyOf(this.#target.publicKey), Date.now());
    if (read.kind !== "offered") throw new Error(`the node's offer is not sound: ${read.check}`);
    const rolls = { challenge: dice(32), ephemeral: dice(32), nonce: dice(32) };
    const half = answerOffer(crypto, this.puppet.identity, { ...read, m1: heard }, { abilities, minVersion: "1.0" }, rolls, Date.now());
    if (half.kind !== "answered") throw new Error(`no answer: ${half.check}`);
    return half.m2;
  }

  /** The types of the frames that the node sent here, each once: it tries again as long as the letter waits. */
  heardTypes(): readonly string[] {
    return [...new Set(this.ear.heard.map((frame) => readEnvelope(frame).msgType))];
  }
}

/** A handshake message with fields of its payload changed, signed again by somebody. */
export const withFields = (
  by: Puppet,
  envelope: Envelope,
  change: (fields: Fields) => Fields,
  besides: Partial<UnsignedEnvelope> = {},
): Bytes => by.resign(envelope, { ...besides, payload: { encrypted: false, data: edited(envelope.payload.data, change) } });

export const replyWith = (frame: Bytes | Envelope): Reply => ({ frames: [frame instanceof Uint8Array ? frame : encodeEnvelope(frame)] });
