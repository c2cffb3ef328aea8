/**
 * A peer that a test moves by hand: it speaks with the protocol's own functions, one message at a time, and may say whatever a peer would not:
 * the wrong thing, at the wrong time, twice, or signed again after a change.
 */

import { type MemoryNetwork, type Reception, type Refusal, type Stream, type StreamHolder, webRandom } from "@hikyaku/peer";
import {
  type Abilities,
  type Bytes,
  type Confirmed,
  type Crypto,
  confirmAnswer,
  createIdentity,
  decodeBinaryFrame,
  decodeBundle,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  encodeHex,
  encodeUtf8,
  establishSession,
  freshNonces,
  type Identity,
  type MessageType,
  makeOffer,
  newSessionId,
  open,
  type PendingOffer,
  pureCrypto,
  type Session,
  seal,
  signEnvelope,
  type VerifyingKey,
} from "@hikyaku/protocol";
import { everyAbility, type Resident } from "./world.ts";

const dice = (length: number): Bytes => webRandom.bytes(length);

export interface PuppetOptions {
  readonly crypto?: Crypto;
  /** Milliseconds since 1970; the machine's clock unless told. */
  readonly now?: () => number;
  /** Another name than the key's own. */
  readonly did?: string;
}

export interface OfferChanges {
  readonly pairingToken?: Bytes;
  readonly rolloverOf?: string;
  readonly abilities?: Abilities;
  readonly sessionId?: string;
}

export class Puppet {
  readonly identity: Identity;
  readonly crypto: Crypto;
  readonly now: () => number;

  constructor(seed: number, { crypto = pureCrypto, now = Date.now, did }: PuppetOptions = {}) {
    const identity = createIdentity(crypto, new Uint8Array(32).fill(seed));
    this.identity = did === undefined ? identity : { ...identity, did };
    this.crypto = crypto;
    this.now = now;
  }

  get did(): string {
    return this.identity.did;
  }

  /** A first handshake message. */
  offer(to: string, { abilities = everyAbility, sessionId, ...rest }: OfferChanges = {}): PendingOffer {
    const settings = { recipientId: to, abilities, ...rest };
    const offerDice = {
      sessionId: sessionId ?? newSessionId(dice(16)),
      challenge: dice(32),
      ephemeral: dice(32),
      nonce: dice(32),
    };
    return makeOffer(this.crypto, this.identity, settings, offerDice, this.now());
  }

  /** The third message, from a second one that has to be sound. */
  confirm(pending: PendingOffer, m2: Bytes, peerKey: Bytes): Confirmed {
    const confirmed = confirmAnswer(this.crypto, this.identity, pending, readEnvelope(m2), {
      peerKey: this.key(peerKey),
      minVersion: "1.0",
      nonces: freshNonces(this.crypto, dice),
      now: this.now(),
    });
    if (confirmed.kind !== "confirmed") throw new Error(`the puppet refuses the answer: ${confirmed.check}`);
    return confirmed;
  }

  /** A whole handshake. */
  async connect(to: Resident, changes: OfferChanges = {}): Promise<PuppetSession> {
    const pending = this.offer(to.peer.did, changes);
    const m1 = encodeEnvelope(pending.m1);
    const confirmed = this.confirm(pending, onlyReply(await to.poke(m1)), to.needs.identity.publicKey);
    const m3 = encodeEnvelope(confirmed.m3);
    const [ready, ...waiting] = repliesOf(await to.poke(m3));
    if (ready === undefined) throw new Error("no READY came back");
    const session = new PuppetSession(this, to, establishSession(confirmed.agreement, 0), { m1, m3, ready });
    session.open(ready);
    session.greeting.push(...waiting.map((frame) => session.open(frame)));
    return session;
  }

  /** The envelope with other fields, signed again as if nothing had happened. */
  resign(envelope: Envelope, changes: Partial<Envelope>): Bytes {
    return encodeEnvelope(signEnvelope(this.crypto, this.identity.key, { ...envelope, ...changes }));
  }

  key(publicKey: Bytes): VerifyingKey {
    const key = this.crypto.verifyingKey(publicKey);
    if (key === undefined) throw new Error("that is no acceptable key");
    return key;
  }
}

/** What came back for one message: the reception, and the bodies in it. */
export interface PuppetAnswer {
  readonly reception: Reception;
  readonly replies: readonly { readonly type: string; readonly body: unknown }[];
}

/** A session that never grows old on this side: a puppet may also speak too late. */
export class PuppetSession {
  readonly frames: { readonly m1: Bytes; readonly m3: Bytes; readonly ready: Bytes };
  /** What waited for the puppet and came with READY. */
  readonly greeting: { readonly type: string; readonly body: unknown }[] = [];
  readonly #puppet: Puppet;
  readonly #to: Resident;
  #session: Session;

  constructor(puppet: Puppet, to: Resident, session: Session, frames: PuppetSession["frames"]) {
    this.#puppet = puppet;
    this.#to = to;
    this.#session = session;
    this.frames = frames;
  }

  get id(): string {
    return this.#session.facts.sessionId;
  }

  /** One sealed envelope with any body under any type. */
  seal(type: string, body: unknown, now: number = this.#puppet.now()): Envelope {
    const { crypto, identity } = this.#puppet;
    const plaintext = body instanceof Uint8Array ? (body as Bytes) : encodeUtf8(JSON.stringify(body));
    const message = { msgType: type as MessageType, plaintext };
    const { envelope, session } = seal(crypto, identity, this.#session, message, { nonces: freshNonces(crypto, dice), now, elapsed: 0 });
    this.#session = session;
    return envelope;
  }

  async send(type: string, body: unknown): Promise<PuppetAnswer> {
    return await this.deliver(encodeEnvelope(this.seal(type, body)));
  }

  async deliver(frame: Bytes, host?: string): Promise<PuppetAnswer> {
    const reception = await this.#to.poke(frame, host);
    const replies = reception.kind === "received" ? reception.replies.map((reply) => this.open(reply)) : [];
    return { reception, replies };
  }

  /** What one frame carries; several bodies where it is a bundle. */
  openAll(frame: Bytes): readonly { readonly type: string; readonly body: unknown }[] {
    const { type, plaintext } = this.#openFrame(frame);
    const items = type === "bundle" ? decodeBundle(plaintext) : [{ msgType: type, body: plaintext }];
    return (items ?? []).map(({ msgType, body }) => ({ type: msgType, body: JSON.parse(new TextDecoder().decode(body)) as unknown }));
  }

  open(frame: Bytes): { readonly type: string; readonly body: unknown } {
    const { type, plaintext } = this.#openFrame(frame);
    return { type, body: JSON.parse(new TextDecoder().decode(plaintext)) as unknown };
  }

  #openFrame(frame: Bytes): { readonly type: string; readonly plaintext: Bytes } {
    const { crypto, now } = this.#puppet;
    const envelope = readEnvelope(frame);
    const opening = open(crypto, this.#session, this.#puppet.key(this.#to.needs.identity.publicKey), envelope, { now: now(), elapsed: 0 });
    if (opening.kind !== "opened") throw new Error(`the puppet cannot open ${envelope.msgType}: ${opening.code}`);
    this.#session = opening.session;
    return { type: envelope.msgType, plaintext: opening.plaintext };
  }
}

function readEnvelope(frame: Bytes): Envelope {
  const openingBrace = 0x7b;
  const envelope = frame[0] === openingBrace ? decodeEnvelope(frame) : decodeBinaryFrame(frame);
  if (envelope === undefined) throw new Error("that is no envelope");
  return envelope;
}

/** A puppet on a stream to a peer: it hears whatever is said to it, and answers nothing of its own accord. */
export class PuppetStream {
  readonly session: PuppetSession;
  readonly heard: { readonly type: string; readonly body: unknown }[] = [];
  /** Of the envelopes that carried what was heard, in the same order: the nonces in hex, by which an error would name them. */
  readonly refs: string[] = [];
  readonly refusals: { readonly code: string; readonly ref: string | undefined }[] = [];
  readonly #stream: Stream;

  private constructor(session: PuppetSession, stream: Stream) {
    this.session = session;
    this.#stream = stream;
  }

  /** Calls from a host and makes a session; the world's network is where the peer listens. */
  static async connect(puppet: Puppet, network: MemoryNetwork, to: Resident, changes: OfferChanges = {}): Promise<PuppetStream> {
    const frames: Bytes[] = [];
    let self: PuppetStream | undefined;
    const holder: StreamHolder = {
      opened: () => undefined,
      frame: async (_, frame) => {
        if (self === undefined) frames.push(frame);
        else self.#hear(frame);
      },
      refused: (_, { code }, ref) => void self?.refusals.push({ code, ref }),
      closed: () => undefined,
    };
    const signal = new AbortController().signal;
    const address = to.peer.addresses[0] ?? "";
    const stream = await network.dialer("puppet").dial(address, { isAllowed: () => true, signal, holder });
    if (stream.kind !== "stream") throw new Error("that peer speaks no streams");
    const next = async (): Promise<Bytes> => {
      for (let turn = 0; frames.length === 0 && turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return frames.shift() ?? new Uint8Array(0);
    };
    const pending = puppet.offer(to.peer.did, changes);
    const m1 = encodeEnvelope(pending.m1);
    await stream.send(m1, signal);
    const confirmed = puppet.confirm(pending, await next(), to.needs.identity.publicKey);
    const m3 = encodeEnvelope(confirmed.m3);
    await stream.send(m3, signal);
    const ready = await next();
    const session = new PuppetSession(puppet, to, establishSession(confirmed.agreement, 0), { m1, m3, ready });
    session.open(ready);
    self = new PuppetStream(session, stream);
    for (const frame of frames) self.#hear(frame);
    return self;
  }

  async send(type: string, body: unknown): Promise<Envelope> {
    const envelope = this.session.seal(type, body);
    await this.#stream.send(encodeEnvelope(envelope), new AbortController().signal);
    return envelope;
  }

  /** Unsealed, as whoever is on the line could. */
  refuse(refusal: Refusal, ref: string): void {
    this.#stream.refuse(refusal, ref);
  }

  close(): void {
    this.#stream.close("done");
  }

  #hear(frame: Bytes): void {
    for (const one of this.session.openAll(frame)) {
      this.heard.push(one);
      this.refs.push(encodeHex(readEnvelope(frame).nonce));
    }
  }
}

function repliesOf(reception: Reception): readonly Bytes[] {
  if (reception.kind === "refused") throw new Error(`refused: ${reception.code}`);
  return reception.replies;
}

/** The one frame of an answer that has to have one. */
export function onlyReply(reception: Reception): Bytes {
  const [frame, ...others] = repliesOf(reception);
  if (frame === undefined || others.length > 0) throw new Error(`${1 + others.length} replies instead of one`);
  return frame;
}
