/** What an opened message means (spec §7, last steps): may this peer say it, is it well-formed, what is done, and what is answered. */
import {
  type ApplicationFields,
  type BodyByType,
  type BundleItem,
  type DialogueType,
  decodeBody,
  decodeBundle,
  type ErrorCode,
  factsOf,
  HikyakuError,
  isDialogueType,
  isMessageType,
  limits,
  type MessageType,
  messageTypeNames,
  type StatusBody,
  toldByPeer,
} from "@hikyaku/protocol";
import { ephemeral } from "../delivery/bag.ts";
import { keepAnnounced } from "../links/reachability.ts";
import type { StatusHistory } from "../ports/status-history.ts";
import type { Work } from "../work/work.ts";
import type { Admission } from "./admission.ts";
import type { Way } from "./answer.ts";
import type { Couriers } from "./couriers.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Letter, Mail, Sender } from "./mail.ts";
import type { Ground, Settings } from "./needs.ts";
import { maySend } from "./policy.ts";
import type { Receipts } from "./receipts.ts";
import type { LiveSession, SessionTable } from "./session-table.ts";
import type { Statements } from "./statements.ts";
import type { Waits } from "./waits.ts";
import type { WakeUps } from "./wake-ups.ts";

/** A body to send back. */
type Reply = { readonly [Type in DialogueType]: { readonly msgType: Type; readonly body: BodyByType[Type] } }[DialogueType];

export interface DialogueParts {
  readonly ground: Ground;
  readonly settings: Settings;
  readonly known: KnownPeers;
  readonly sessions: SessionTable;
  readonly waits: Waits;
  readonly receipts: Receipts;
  readonly mail: Mail;
  readonly couriers: Couriers;
  readonly admission: Admission;
  readonly work: Pick<Work, "capabilitiesFor" | "refusalOf">;
  readonly statements: Statements;
  readonly statuses: StatusHistory;
  readonly wakeUps: Pick<WakeUps, "isPossible">;
  /** The peer said where it can be reached: in `session.announced`. */
  readonly announced: (session: LiveSession) => Promise<void>;
  /** The peer did not trust us in the pairing that made this session. */
  readonly declined: (session: LiveSession) => void;
}

/** The last status report of a peer. */
export interface PeerStatus extends Pick<StatusBody, "state" | "detail"> {
  readonly receivedAt: number;
}

/** One opened message with the session that proves whose it is. */
interface Opened<Body> {
  readonly session: LiveSession;
  readonly from: Sender;
  readonly body: Body;
}

type Respond<Type extends DialogueType> = (parts: Opened<BodyByType[Type]>) => Promise<readonly Reply[]> | readonly Reply[];

interface OpenedEnvelope {
  readonly msgType: string;
  readonly plaintext: BundleItem["body"];
  /** The nonce in hex. */
  readonly ref: string;
  readonly way: Way;
}

interface Decoded {
  readonly msgType: DialogueType;
  readonly body: BodyByType[DialogueType];
}

interface Limited {
  readonly code: ErrorCode;
  readonly retryAfterS: number;
}

const nothing: readonly Reply[] = [];

/** Types whose bodies are durable in the inbox before anything is done about them; they are taken in together. */
const isKept = (type: string): type is Letter["type"] => keptTypes.has(type);
const keptTypes: ReadonlySet<string> = new Set<Letter["type"]>([
  "message",
  "wake_up",
  "task_delegate",
  "task_update",
  "task_query",
  "task_cancel",
  "task_input",
]);

export class Dialogue {
  readonly #parts: DialogueParts;
  readonly #status = new Map<string, PeerStatus>();
  readonly #responders: { readonly [Type in DialogueType]?: Respond<Type> };

  constructor(parts: DialogueParts) {
    this.#parts = parts;
    this.#responders = this.#makeResponders();
  }

  statusOf(did: string): PeerStatus | undefined {
    return this.#status.get(did);
  }

  forget(did: string): void {
    this.#status.delete(did);
  }

  /**
   * Acts on one opened envelope; answers wait for the peer's courier. `ref` names the envelope if it has to be refused. A bundle is decoded and judged whole before
   * any of it is acted upon (spec BUNDLE-5), and comes over streams only. Rejects only where our own storage fails.
   */
  async receive(session: LiveSession, { msgType, plaintext, ref, way }: OpenedEnvelope): Promise<void> {
    using _call = way === "call" ? this.#parts.couriers.of(session.facts.peerId).takeCall() : undefined;
    const isBundle = msgType === "bundle" && typeof way === "object" && session.facts.version === "1.2";
    const items = isBundle ? decodeBundle(plaintext) : [{ msgType, body: plaintext }];
    const refusal = items === undefined ? "INVALID_PAYLOAD" : await this.#receiveAll(session, items);
    if (refusal !== undefined) this.#refuse(session, msgType, refusal, ref);
  }

  async #receiveAll(
    session: LiveSession,
    items: readonly { readonly msgType: string; readonly body: BundleItem["body"] }[],
  ): Promise<ErrorCode | Limited | undefined> {
    const { known, admission, ground } = this.#parts;
    const { peerId } = session.facts;
    const standing = known.standingOf(peerId);
    const from: Sender = { did: peerId, name: known.get(peerId)?.name ?? peerId, trust: standing.level };
    const bodies: Decoded[] = [];
    for (const { msgType, body } of items) {
      const retryAfterS = admission.message(peerId, msgType, standing);
      if (retryAfterS !== undefined) return { code: "RATE_LIMITED", retryAfterS };
      // "Does not exist" and "not allowed" are one answer (spec ERR-5).
      if (!isMessageType(msgType) || !this.#isAllowed(session, msgType)) return "UNAUTHORIZED";
      if (!isDialogueType(msgType) || !this.#answersTo(msgType)) return "UNSUPPORTED_TYPE";
      const decoded = decodeBody(msgType, body);
      if (decoded === undefined) return "INVALID_PAYLOAD";
      const refusal = this.#refusalOf(peerId, msgType, decoded);
      if (refusal !== undefined) return refusal;
      bodies.push({ msgType, body: decoded });
    }
    const letters: Letter[] = [];
    const { announced } = session;
    for (const { msgType, body } of bodies) {
      ground.counters.add(`received.${msgType}`);
      if (isKept(msgType)) this.#sort(from, { type: msgType, body: body as Letter["body"] }, letters);
      else await this.#respond(session, from, msgType, body);
    }
    // Once for all of them: each is a write, and a bundle holds a thousand for one signature.
    if (session.announced !== announced) await this.#parts.announced(session);
    if (letters.length === 0) return undefined;
    const { taken, hasNoRoom } = await this.#parts.mail.receive(from, letters);
    for (const { body } of taken) if (body.reply_to !== undefined) this.#parts.waits.settle(`reply ${peerId} ${body.reply_to}`, body);
    return hasNoRoom ? { code: "QUOTA_EXCEEDED", retryAfterS: limits.inboxFullRetryAfterS } : undefined;
  }

  /** CAP-2: a capability that does not exist and one that is for others are one answer, and that of a type that is not allowed. */
  #refusalOf(did: string, msgType: DialogueType, body: BodyByType[DialogueType]): ErrorCode | Limited | undefined {
    if (msgType !== "task_delegate") return undefined;
    const code = this.#parts.work.refusalOf(did, body as BodyByType["task_delegate"]);
    return code === "QUOTA_EXCEEDED" ? { code, retryAfterS: limits.inboxFullRetryAfterS } : code;
  }

  #sort(from: Sender, letter: Letter, letters: Letter[]): void {
    if (letter.body.transient === true) this.#parts.mail.receiveTransient(from, letter);
    else letters.push(letter);
  }

  async #respond(session: LiveSession, from: Sender, msgType: DialogueType, body: BodyByType[DialogueType]): Promise<void> {
    const respond = this.#responders[msgType] as Respond<typeof msgType>;
    const courier = this.#parts.couriers.of(from.did);
    for (const reply of await respond({ session, from, body }))
      courier.answer(ephemeral(reply.msgType, reply.body, factsOf(reply.msgType).priority));
  }

  /** A stranger in the middle of pairing may say where it is: only if it is trusted in the end is that kept. */
  #isAllowed(session: LiveSession, msgType: Parameters<typeof maySend>[1]): boolean {
    const standing = this.#parts.known.standingOf(session.facts.peerId);
    const isIntroduction = msgType === "discovery" || msgType === "status_report";
    return maySend(standing, msgType) || (standing.level === "unknown" && isIntroduction);
  }

  /** ERR-6, ERR-7: an error never answers an error, and a storm of them is refused in silence. */
  #refuse({ facts }: LiveSession, msgType: string, refusal: ErrorCode | Limited, ref: string): void {
    const { ground, admission, couriers } = this.#parts;
    const { code, retryAfterS } = typeof refusal === "string" ? { code: refusal, retryAfterS: undefined } : refusal;
    ground.counters.add(`refused.${code}`);
    if (msgType === "error" || !admission.mayTellError(facts.peerId)) return;
    const body = { code, ref, ...(retryAfterS === undefined ? {} : { retry_after: retryAfterS }) };
    couriers.of(facts.peerId).answer(ephemeral("error", body, "high"));
  }

  #makeResponders(): { readonly [Type in DialogueType]?: Respond<Type> } {
    const { waits, receipts, sessions, settings } = this.#parts;
    return {
      ping: ({ body }) => [{ msgType: "pong", body }],
      pong: ({ from, body }) => {
        waits.settle(`pong ${from.did} ${body.n}`, undefined);
        return nothing;
      },
      heartbeat: () => nothing,
      discovery: ({ session, body }) => {
        session.announced = keepAnnounced(body.addresses);
        return nothing;
      },
      capability_query: ({ from, body }) => {
        const capabilities = this.#parts.work.capabilitiesFor(from.did);
        const offering = { capabilities, accepts: this.#acceptedFrom(from.did), features: settings.abilities.features };
        return [{ msgType: "capability_response", body: this.#parts.statements.tell(from.did, body.n, offering) }];
      },
      capability_response: ({ from, body }) => {
        this.#parts.statements.arrive(from, body);
        return nothing;
      },
      receipt: ({ from, body }) => {
        receipts.arrive(from.did, body.ids, body.stage, body.reason);
        return nothing;
      },
      error: ({ from, body }) => {
        const code = toldByPeer(body.code);
        const again = body.retry_after === undefined ? "" : `; again in ${body.retry_after} s`;
        const refusal = new HikyakuError(code, `${from.name} refused: ${explain(code)}${again}.`);
        waits.fail(`error ${from.did} ${body.ref}`, refusal);
        this.#parts.couriers.of(from.did).refusedByPeer(body.ref, refusal, body.retry_after);
        return nothing;
      },
      session_close: ({ session, body }) => {
        sessions.drop(session);
        if (body.reason === "declined") this.#parts.declined(session);
        return nothing;
      },
      status_report: ({ session, from, body }) => this.#noteStatus(session, from, body),
      receipt_query: async ({ from, body }) => {
        await this.#parts.mail.answerQuery(from.did, body);
        return nothing;
      },
    };
  }

  #answersTo(type: string): boolean {
    if (type === "wake_up") return this.#parts.wakeUps.isPossible;
    return Object.hasOwn(this.#responders, type) || isKept(type);
  }

  /** The application types that this peer may send here. */
  #acceptedFrom(did: string): readonly MessageType[] {
    const standing = this.#parts.known.standingOf(did);
    return messageTypeNames.filter((type) => factsOf(type).kind === "application" && maySend(standing, type) && this.#answersTo(type));
  }

  async #noteStatus(session: LiveSession, from: Sender, body: StatusBody & Partial<ApplicationFields>): Promise<readonly Reply[]> {
    if (body.addresses !== undefined) session.announced = keepAnnounced(body.addresses);
    if (body.id === undefined) return nothing;
    if (from.trust !== "unknown") await this.#keepStatus(from.did, body.id, body);
    return [{ msgType: "receipt", body: { ids: [body.id], stage: "handled" } }];
  }

  /** STATUS-1: durable before its sender is told. */
  async #keepStatus(did: string, id: string, { state, detail }: StatusBody): Promise<void> {
    const words = { ...(state === undefined ? {} : { state }), ...(detail === undefined ? {} : { detail }) };
    const status = { ...words, receivedAt: this.#parts.ground.clock.now() };
    const { statuses, known } = this.#parts;
    await statuses.add({ from: did, id, ...status });
    // A person may have forgotten the peer meanwhile.
    if (known.get(did) === undefined) await statuses.forget(did);
    else this.#status.set(did, status);
  }
}

/** One sentence for a code that a peer sent us. */
function explain(code: ErrorCode): string {
  switch (code) {
    case "UNAUTHORIZED":
      return "UNAUTHORIZED, it does not allow this peer to send that";
    case "UNSUPPORTED_TYPE":
      return "UNSUPPORTED_TYPE, it has nothing that handles such messages";
    case "INVALID_PAYLOAD":
      return "INVALID_PAYLOAD, the body does not have the form its type asks for";
    case "QUOTA_EXCEEDED":
      return "QUOTA_EXCEEDED, its inbox has no room for this until something in it was read";
    default:
      return code;
  }
}
