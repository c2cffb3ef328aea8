/** The peer as programs hold it: everything that a person or an agent can ask of it. */
import {
  type CapabilityStatement,
  decodeDid,
  decodePairingLink,
  fingerprintOf,
  HikyakuError,
  isPeerAddress,
  limits,
  type MessageBody,
  type ReceiptStage,
  type Scope,
  type StatusBody,
  safetyNumberOf,
} from "@hikyaku/protocol";
import { isGiven } from "../links/reachability.ts";
import type { InboxQuery, StoredMessage } from "../ports/inbox.ts";
import type { OutboxRecord } from "../ports/outbox.ts";
import type { KeptStatusReport, StatusQuery } from "../ports/status-history.ts";
import type { TaskQuery, TaskRecord } from "../ports/task-store.ts";
import type { KnownPeer, TrustLevel } from "../ports/trust-store.ts";
import type { CapabilityHandler, CapabilitySettings, OwnCapability } from "../work/capability-table.ts";
import type { DelegateOptions } from "../work/delegations.ts";
import type { Schema } from "../work/schema.ts";
import { Task } from "../work/task.ts";
import type { Alarm } from "./alarms.ts";
import type { Changed, ChangesQuery } from "./changes.ts";
import type { PeerStatus } from "./dialogue.ts";
import { Engine, type Size } from "./engine.ts";
import type { HandlerManner } from "./handling.ts";
import { isHealthy } from "./heartbeats.ts";
import type { Explanation } from "./letters.ts";
import type { MessageHandler } from "./mail.ts";
import type { Needs, Settings } from "./needs.ts";
import type { Candidate, Invitation, Terms } from "./pairings.ts";
import type { PostOptions } from "./posting.ts";
import type { Receipt } from "./receipts.ts";
import type { Patience } from "./waits.ts";

/** A known peer and how it is. */
export interface PeerView extends Omit<KnownPeer, "publicKey" | "addresses"> {
  readonly fingerprint: string;
  readonly addresses: readonly string[];
  /** `connected`: heard within 90 s; `silent`: there is a session, but nothing was heard; `idle`: no session. */
  readonly health: "connected" | "silent" | "idle";
  /** Milliseconds since 1970. */
  readonly heardAt?: number;
  readonly status?: PeerStatus;
  /** What a person should look into before trusting this peer further. */
  readonly alarm?: Alarm;
}

/** What a person decides about a peer. What is left out stays as it is; a new peer needs a did. */
export interface TrustChange {
  /** A pet name or a did. */
  readonly peer: string;
  readonly name?: string;
  readonly level?: Exclude<TrustLevel, "unknown">;
  readonly allow?: readonly Scope[];
  /** `http://host:port`, first choice first. A person's word is permission to dial them. */
  readonly addresses?: readonly string[];
}

export interface SendOptions extends PostOptions {
  readonly until?: Exclude<ReceiptStage, "refused">;
}

export interface CapabilityOptions extends Patience {
  /** Whether to ask anew although an answer is kept. */
  readonly fresh?: boolean;
}

export interface LookUpOptions {
  /** Whether what is had with the peer of this did is looked at; all of it is unless told. */
  readonly among?: (did: string) => boolean;
}

export class Peer implements AsyncDisposable {
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Starts a peer on these parts. Rejects, having opened nothing, with a sentence that names what is missing. */
  static async start(needs: Needs, settings: Settings): Promise<Peer> {
    return new Peer(await Engine.start(needs, settings));
  }

  get did(): string {
    return this.#engine.ground.identity.did;
  }

  /** Eight groups of four letters, for people to compare. */
  get fingerprint(): string {
    return fingerprintOf(this.#engine.ground.crypto, this.#engine.ground.identity.publicKey);
  }

  /** Where peers can reach this one. */
  get addresses(): readonly string[] {
    return this.#engine.addresses;
  }

  /** Makes a pairing link, good once and for ten minutes. Throws INVALID_ARGUMENT where the name is taken. */
  invite(terms: Terms): Invitation {
    return this.#engine.pairings.invite(terms, this.addresses);
  }

  /** Uses a pairing link: connects, proves the token, and trusts its maker once `terms.confirm` agrees. */
  async accept(link: string, terms: Terms, patience: Patience = {}): Promise<Candidate> {
    const parsed = decodePairingLink(link);
    if (parsed === undefined)
      throw new HikyakuError("INVALID_ARGUMENT", "That is no pairing link; copy it whole, as `hikyaku pair` printed it.");
    if (parsed.did === this.did)
      throw new HikyakuError("INVALID_ARGUMENT", "This peer made that link itself; use it on the other machine.");
    this.#engine.known.requireFreeName(terms.name, parsed.did);
    return await this.#engine.joinPairing(parsed, terms, patience);
  }

  /** As soon as anything has changed after the query's cursor, or, told with 0, at once: what there is to look at again. Rejects with CANCELED where the signal aborts first. */
  async changed(query: ChangesQuery, signal: AbortSignal): Promise<Changed> {
    return await this.#engine.ground.changes.next(query, signal);
  }

  /** Everybody this peer knows, by name. */
  peers(): readonly PeerView[] {
    return this.#engine.known.list().map((peer) => this.#view(peer));
  }

  /** One known peer, by name or did. Throws UNKNOWN_PEER. */
  peer(reference: string): PeerView {
    return this.#view(this.#engine.known.resolve(reference));
  }

  /** The sixty digits that both sides compare. */
  safetyNumber(reference: string): string {
    const { crypto, identity } = this.#engine.ground;
    return safetyNumberOf(crypto, identity.publicKey, this.#engine.known.resolve(reference).publicKey);
  }

  /** Of the peer's addresses those that may be dialled wherever they lead, since a person said so; the others only where they are harmless (spec TRUST-6, TRUST-9). */
  givenAddresses(reference: string): readonly string[] {
    return this.#engine.known
      .resolve(reference)
      .addresses.filter(isGiven)
      .map(({ address }) => address);
  }

  /** Pins a new peer by its did, or changes what a known one may do. Blocking also ends its sessions. */
  async trust(change: TrustChange): Promise<PeerView> {
    const { known } = this.#engine;
    const wrong = change.addresses?.find((address) => !isPeerAddress(address));
    if (wrong !== undefined)
      throw new HikyakuError("INVALID_ARGUMENT", `${JSON.stringify(wrong)} is no address; write it as http://host:port.`);
    const found = known.find(change.peer);
    if (found === undefined) await known.put(changed(this.#newcomer(change), change));
    else await known.amend(found.did, (current) => changed(current, change));
    const next = known.resolve(found?.did ?? change.peer);
    this.#engine.alarms.clear(next.did);
    if (next.level === "blocked") this.#engine.disconnect(next.did);
    else this.#engine.renew(next.did);
    return this.#view(next);
  }

  /** Forgets a peer, its key and its sessions. Throws UNKNOWN_PEER. */
  async forget(reference: string): Promise<void> {
    const { did } = this.#engine.known.resolve(reference);
    await this.#engine.known.remove(did);
    this.#engine.disconnect(did);
    await this.#engine.statuses.forget(did);
  }

  /**
   * Keeps a message until its recipient has it, and resolves with the recipient's own, sealed receipt. Where the peer cannot be reached, it resolves with stage `queued` and
   * the problem: the message is durable and goes on being tried until it expires. Where `until` is given it waits for that stage as long as `timeoutMs`, and then resolves
   * with the stage that was reached. Rejects with the recipient's code where it refuses, QUOTA_EXCEEDED or STORAGE_FAILED where the message could not be kept, and
   * CANCELED, which ends the waiting and not the message. A status report is not kept: it rejects with UNREACHABLE or TIMED_OUT.
   */
  async send(to: string, type: "message", body: MessageBody, options?: SendOptions): Promise<Receipt>;
  async send(to: string, type: "status_report", body: StatusBody, options?: SendOptions): Promise<Receipt>;
  async send(to: string, type: "message" | "status_report", body: MessageBody | StatusBody, options: SendOptions = {}): Promise<Receipt> {
    const recipient = this.#recipient(to);
    if (type === "status_report") return await this.#engine.posting.report(recipient, body as StatusBody, options);
    return await this.#engine.posting.post(recipient, type, body as MessageBody, options);
  }

  /** Says something that nobody keeps and nobody receipts, to the handler that is there now. Resolves once it is next in line: back-pressure for whoever says much. */
  async tell(to: string, body: MessageBody, options: Pick<Patience, "signal"> = {}): Promise<void> {
    await this.#engine.posting.tell(this.#recipient(to), body, options);
  }

  /**
   * Everything that is known of a message of ours: attempts, routes, refusals, receipts. An id may be shortened as long as it is one message's, of those to the peers `among`
   * which it is looked for. Throws INVALID_ARGUMENT.
   */
  async explain(id: string, { among }: LookUpOptions = {}): Promise<Explanation> {
    return await this.#engine.letters.explain(id, among);
  }

  /** Messages that expired or were refused, oldest first. */
  async dead(query: { readonly after?: string; readonly limit: number }): Promise<readonly OutboxRecord[]> {
    return await this.#engine.letters.dead(query);
  }

  /** Sends a dead letter again as a new message; returns its id. */
  async retry(id: string): Promise<string> {
    return await this.#engine.letters.retry(id);
  }

  /** Forgets a dead letter. */
  async drop(id: string): Promise<void> {
    await this.#engine.letters.drop(id);
  }

  /** Sends a message and resolves with the body of the message that answers it. */
  async ask(to: string, body: MessageBody, options: Patience = {}): Promise<MessageBody> {
    const answer = await this.#engine.posting.ask(this.#recipient(to), body, options);
    return "text" in answer ? { text: answer.text } : { json: answer.json };
  }

  /** Milliseconds to the peer and back, sealed both ways. */
  async ping(to: string, patience: Patience = {}): Promise<number> {
    return await this.#engine.posting.ping(this.#recipient(to), patience);
  }

  /**
   * Calls a peer's agent to come up; what it does then is its owner's choice, and `reason` is for whoever reads it. Resolves like `send`, unless told with stage `handled`, which is a
   * few seconds after the agent was woken up; the call goes on being tried for ten minutes. Rejects with RATE_LIMITED, UNAUTHORIZED or UNSUPPORTED_TYPE where the peer will not.
   */
  async wake(to: string, reason?: string, options: Omit<SendOptions, "lifeMs"> = {}): Promise<Receipt> {
    if (reason !== undefined && reason.length > limits.reasonLengthMax)
      throw new HikyakuError("INVALID_ARGUMENT", `A reason has at most ${limits.reasonLengthMax} characters.`);
    return await this.#engine.posting.wake(this.#recipient(to), reason === undefined ? {} : { reason }, options);
  }

  /**
   * What the peer's agent can do, and what it lets this peer send, as it signed it. An answer of the last minutes is good enough, load included, unless a `fresh` one is asked for.
   * Rejects with INVALID_SIGNATURE where the answer is not what the peer signed for this one.
   */
  async capabilities(to: string, { fresh = false, ...patience }: CapabilityOptions = {}): Promise<CapabilityStatement> {
    const recipient = this.#recipient(to);
    const kept = fresh ? undefined : this.#engine.statements.find(recipient.did);
    return kept ?? (await this.#engine.posting.queryCapabilities(recipient, patience));
  }

  /** What this peer's own programs offer, and lately offered, with how busy each is. */
  ownCapabilities(): readonly OwnCapability[] {
    return this.#engine.work.ownCapabilities();
  }

  /** What a peer said of how it is: its newest reports, oldest first. Throws UNKNOWN_PEER. */
  async statusHistory(reference: string, query: StatusQuery): Promise<readonly KeptStatusReport[]> {
    return await this.#engine.statuses.list(this.#engine.known.resolve(reference).did, query);
  }

  /**
   * Hands every message to `handler`, in order, at most once per id, also across crashes: what a crash cuts short is told to its sender as INTERRUPTED, unless the handler is
   * `idempotent`; then it runs again. Without a handler messages wait in the inbox. One handler only.
   */
  on(type: "message", handler: MessageHandler, manner?: HandlerManner): void {
    if (type !== "message")
      throw new HikyakuError("INVALID_ARGUMENT", `Nothing can be handled under ${JSON.stringify(type)}; only "message".`);
    this.#engine.mail.handle(handler, manner);
  }

  /** Messages that arrived, oldest first. */
  async inbox(query: Omit<InboxQuery, "type">): Promise<readonly StoredMessage[]> {
    return await this.#engine.mail.list(query);
  }

  /** Marks messages as read; their senders get the receipt `delivered`. Resolves with those that are not here. */
  async markRead(messages: readonly Pick<StoredMessage, "from" | "id">[]): Promise<readonly Pick<StoredMessage, "from" | "id">[]> {
    return await this.#engine.mail.mark(messages, "delivered");
  }

  /** Says that the agent is done with messages that it read; their senders get the receipt `handled`. Resolves with those that are not here. */
  async acknowledge(messages: readonly Pick<StoredMessage, "from" | "id">[]): Promise<readonly Pick<StoredMessage, "from" | "id">[]> {
    return await this.#engine.mail.mark(messages, "handled");
  }

  /**
   * Offers a capability to those who may delegate: their tasks go to `handler`, at most `concurrency` at once, and its progress and output to them. Once offered it stays so for a
   * week after this program's end: what arrives meanwhile waits. Throws INVALID_ARGUMENT where the name is taken; resolves when the offer is durable.
   */
  async capability<Input = unknown, Output = unknown>(
    name: string,
    settings: CapabilitySettings<Input, Output>,
    handler: CapabilityHandler<Input, Output>,
  ): Promise<void> {
    const peers = settings.for?.map((reference) => this.#engine.known.resolve(reference).did);
    await this.#engine.work.offer(name, settings as CapabilitySettings, handler as CapabilityHandler<never, unknown>, peers);
  }

  /** Goes on offering it without its handler: work for it waits until it is offered with one again. */
  suspend(name: string): void {
    this.#engine.work.capabilities.suspend(name);
  }

  /** Offers it no more. */
  async withdraw(name: string): Promise<void> {
    await this.#engine.work.capabilities.withdraw(name);
  }

  /**
   * Asks a peer to do something. Resolves with the task once it is durable here: it goes on being tried until its deadline, and its events can be followed, also after a restart. Rejects
   * having kept nothing with UNKNOWN_PEER, INVALID_ARGUMENT, MESSAGE_TOO_LARGE, QUOTA_EXCEEDED or STORAGE_FAILED.
   */
  async delegate<Output = unknown>(
    to: string,
    capability: string,
    input: unknown,
    { output, ...options }: DelegateOptions & { readonly output?: Schema<Output> } = {},
  ): Promise<Task<Output>> {
    const { work } = this.#engine;
    return new Task(work, await work.delegate(this.#recipient(to).did, capability, input, options), output);
  }

  /** A task of either side, by its id or the beginning of it, of those with the peers `among` which it is looked for. Throws UNKNOWN_TASK. */
  async task<Output = unknown>(
    id: string,
    { output, among }: LookUpOptions & { readonly output?: Schema<Output> } = {},
  ): Promise<Task<Output>> {
    const { work } = this.#engine;
    const { role, peer, id: whole } = await work.resolve(id, among);
    return new Task(work, { role, peer, id: whole }, output);
  }

  /** Tasks of both sides, newest first. */
  async tasks(query: TaskQuery): Promise<readonly TaskRecord[]> {
    return await this.#engine.work.list(query);
  }

  /** How often what happened since the start. */
  stats(): Readonly<Record<string, number>> {
    return this.#engine.ground.counters.snapshot();
  }

  /** How full every table is that the network can fill, and how full it may become. */
  sizes(): Readonly<Record<string, Size>> {
    return this.#engine.sizes();
  }

  /** Stops listening, lets running handlers finish, and forgets every session key. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whom to say something to. Throws UNKNOWN_PEER, or INVALID_ARGUMENT where we blocked it ourselves and its answer could not come in. */
  #recipient(reference: string): KnownPeer {
    const peer = this.#engine.known.resolve(reference);
    if (peer.level !== "blocked") return peer;
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `${peer.name} is blocked here; \`hikyaku trust ${peer.name} --level trusted\` takes that back.`,
    );
  }

  #newcomer({ peer, name }: TrustChange): KnownPeer {
    const publicKey = decodeDid(peer);
    const { crypto, clock, identity } = this.#engine.ground;
    if (publicKey === undefined) this.#engine.known.resolve(peer);
    if (publicKey === undefined || crypto.verifyingKey(publicKey) === undefined || !crypto.isTorsionFree(publicKey))
      throw new HikyakuError("INVALID_ARGUMENT", `${peer} holds no acceptable key.`);
    if (peer === identity.did) throw new HikyakuError("INVALID_ARGUMENT", "That is this peer itself.");
    if (name === undefined) throw new HikyakuError("INVALID_ARGUMENT", "A new peer needs a name: add --name.");
    return { did: peer, publicKey, name, level: "trusted", scopes: [], addresses: [], minVersion: "1.0", pinnedAt: clock.now() };
  }

  #view({ publicKey, addresses, ...peer }: KnownPeer): PeerView {
    const { alarms, ground, sessions, dialogue } = this.#engine;
    const elapsed = ground.clock.elapsed();
    const session = sessions.sendingTo(peer.did, elapsed);
    const status = dialogue.statusOf(peer.did);
    const alarm = alarms.of(peer.did);
    return {
      ...peer,
      fingerprint: fingerprintOf(ground.crypto, publicKey),
      addresses: addresses.map(({ address }) => address),
      health: session === undefined ? "idle" : isHealthy(session.heard, elapsed) ? "connected" : "silent",
      ...(session === undefined ? {} : { heardAt: session.heard.now }),
      ...(status === undefined ? {} : { status }),
      ...(alarm === undefined ? {} : { alarm }),
    };
  }
}

const changed = (current: KnownPeer, { name, level, allow, addresses }: TrustChange): KnownPeer => ({
  ...current,
  name: name ?? current.name,
  level: level ?? current.level,
  scopes: allow ?? current.scopes,
  addresses: addresses?.map((address) => ({ address, source: "person" })) ?? current.addresses,
});
