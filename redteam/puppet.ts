/**
 * An honest client over raw HTTP, moved by hand: it speaks with the protocol's own functions, one message at a time, and every byte it sends or gets is
 * there to be kept, sent again, changed, or signed anew.
 */
import {
  type Abilities,
  type Bytes,
  type Crypto,
  confirmAnswer,
  createIdentity,
  decodeEnvelope,
  decodeUtf8,
  type Envelope,
  encodeEnvelope,
  encodeUtf8,
  establishSession,
  freshNonces,
  type Identity,
  type MessageType,
  type Moment,
  makeOffer,
  newMessageId,
  newSessionId,
  open,
  type PendingOffer,
  protocolVersions,
  pureCrypto,
  type Session,
  seal,
  signEnvelope,
  suites,
  type UnsignedEnvelope,
  type VerifyingKey,
} from "@hikyaku/protocol";
import type { Answer, Source } from "./source.ts";
import type { Target } from "./target.ts";

export const dice = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

const moment = (): Moment => ({ now: Date.now(), elapsed: performance.now() });

export const everyAbility: Abilities = { versions: protocolVersions, suites, features: [] };

/** A node: where it is and who it is. */
export type Place = Pick<Target, "did" | "port" | "publicKey">;

/** What went over the wire, both ways, for replays. */
export interface Recorded {
  readonly frame: Bytes;
  readonly isOurs: boolean;
}

export class Puppet {
  readonly identity: Identity;
  readonly source: Source;
  readonly recorded: Recorded[] = [];
  readonly #sessions = new Map<string, PuppetSession>();

  constructor(source: Source) {
    this.identity = createIdentity(pureCrypto, dice(32));
    this.source = source;
  }

  get did(): string {
    return this.identity.did;
  }

  async post(to: Place, frame: Bytes): Promise<Answer> {
    this.recorded.push({ frame, isOurs: true });
    const answer = await this.source.post({ port: to.port, body: frame });
    for (const reply of repliesIn(answer)) this.recorded.push({ frame: reply, isOurs: false });
    return answer;
  }

  /** A first handshake message, never sent yet. A manipulated crypto makes manipulated keys. */
  offer(to: string, { crypto = pureCrypto }: { readonly crypto?: Crypto } = {}): PendingOffer {
    const settings = { recipientId: to, abilities: everyAbility };
    const rolls = { sessionId: newSessionId(dice(16)), challenge: dice(32), ephemeral: dice(32), nonce: dice(32) };
    return makeOffer(crypto, this.identity, settings, rolls, Date.now());
  }

  /** A whole handshake. Rejects where the node refuses any part of it. */
  async connect(to: Place): Promise<PuppetSession> {
    const pending = this.offer(to.did);
    const m2 = onlyReply(await this.post(to, encodeEnvelope(pending.m1)));
    return await this.finish(to, pending, m2);
  }

  /** The second half: M3 for an answer that has to be sound, and READY. */
  async finish(to: Place, pending: PendingOffer, m2: Bytes, crypto: Crypto = pureCrypto): Promise<PuppetSession> {
    const { m3, session } = this.confirm(to, pending, m2, crypto);
    const ready = onlyReply(await this.post(to, m3));
    this.#sessions.set(session.id, session);
    this.open(ready);
    return session;
  }

  /** M3 for an answer that has to be sound, and the session that begins with it. */
  confirm(
    to: Place,
    pending: PendingOffer,
    m2: Bytes,
    crypto: Crypto = pureCrypto,
  ): { readonly m3: Bytes; readonly session: PuppetSession } {
    const nonces = freshNonces(pureCrypto, dice);
    const settings = { peerKey: keyOf(to.publicKey), minVersion: "1.0", nonces, now: Date.now() } as const;
    const confirmed = confirmAnswer(crypto, this.identity, pending, readEnvelope(m2), settings);
    if (confirmed.kind !== "confirmed") throw new Error(`the puppet refuses the answer: ${confirmed.check}`);
    return {
      m3: encodeEnvelope(confirmed.m3),
      session: new PuppetSession(this, to, establishSession(confirmed.agreement, performance.now())),
    };
  }

  /** Opens a frame with whichever session it says: a node answers in the session that it sends in, which may be a later one than it was asked in. */
  open(frame: Bytes): Opened {
    const envelope = readEnvelope(frame);
    const session = this.#sessions.get(envelope.sessionId);
    if (session === undefined) throw new Error(`the puppet has no such session for ${envelope.msgType}`);
    return session.open(envelope);
  }

  /** The envelope with other fields, signed again as if nothing had happened. */
  resign(envelope: Envelope, changes: Partial<UnsignedEnvelope>): Bytes {
    return encodeEnvelope(signEnvelope(pureCrypto, this.identity.key, { ...envelope, ...changes }));
  }
}

export class PuppetSession {
  readonly #puppet: Puppet;
  readonly #to: Place;
  #session: Session;

  constructor(puppet: Puppet, to: Place, session: Session) {
    this.#puppet = puppet;
    this.#to = to;
    this.#session = session;
  }

  get id(): string {
    return this.#session.facts.sessionId;
  }

  /** One sealed envelope with any plaintext under any type; it takes the next number, sent or not. */
  seal(msgType: MessageType, plaintext: Bytes): Envelope {
    const message = { msgType, plaintext };
    const at = { nonces: freshNonces(pureCrypto, dice), ...moment() };
    const { envelope, session } = seal(pureCrypto, this.#puppet.identity, this.#session, message, at);
    this.#session = session;
    return envelope;
  }

  letter(text: string): { readonly id: string; readonly envelope: Envelope } {
    const id = newMessageId(Date.now(), dice(10));
    return { id, envelope: this.seal("message", letterBody(id, text)) };
  }

  /** Posts one frame, and opens what comes back. */
  async deliver(frame: Bytes): Promise<{ readonly answer: Answer; readonly replies: readonly Opened[] }> {
    const answer = await this.#puppet.post(this.#to, frame);
    return { answer, replies: repliesIn(answer).map((reply) => this.#puppet.open(reply)) };
  }

  open(envelope: Envelope): Opened {
    return { type: envelope.msgType, body: JSON.parse(decodeUtf8(this.unseal(envelope)) ?? "null") as unknown, envelope };
  }

  unseal(envelope: Envelope): Bytes {
    const opening = open(pureCrypto, this.#session, keyOf(this.#to.publicKey), envelope, moment());
    if (opening.kind !== "opened") throw new Error(`the puppet cannot open ${envelope.msgType}: ${opening.code}`);
    this.#session = opening.session;
    return opening.plaintext;
  }
}

export interface Opened {
  readonly type: string;
  readonly body: unknown;
  readonly envelope: Envelope;
}

export const letterBody = (id: string, text: string, more: object = {}): Bytes =>
  encodeUtf8(JSON.stringify({ id, sent_at: Date.now(), text, ...more }));

/** The frames in an answer, as bytes. Our own node writes them canonically, so writing what was parsed gives the same bytes. */
export function repliesIn({ status, text }: Answer): readonly Bytes[] {
  if (status !== 200) return [];
  return (JSON.parse(text) as { readonly replies: readonly object[] }).replies.map((reply) => encodeUtf8(JSON.stringify(reply)));
}

export function onlyReply(answer: Answer): Bytes {
  const [frame, ...others] = repliesIn(answer);
  if (frame === undefined || others.length > 0) throw new Error(`not one reply: ${answer.status} ${answer.text.slice(0, 200)}`);
  return frame;
}

export function readEnvelope(frame: Bytes): Envelope {
  const envelope = decodeEnvelope(frame);
  if (envelope === undefined) throw new Error("that is no envelope");
  return envelope;
}

export function keyOf(publicKey: Bytes): VerifyingKey {
  const key = pureCrypto.verifyingKey(publicKey);
  if (key === undefined) throw new Error("that is no acceptable key");
  return key;
}
