/** What an opened message means (spec §7, last steps): may this peer say it, is it well-formed, what is done, and what is answered. */
import {
  type ApplicationFields,
  type BodyByType,
  type Capability,
  type DialogueType,
  decodeBody,
  type ErrorCode,
  factsOf,
  HikyakuError,
  isDialogueType,
  isMessageType,
  limits,
  type MessageBody,
  messageTypeNames,
  type StatusBody,
  toldByPeer,
} from "@hikyaku/protocol";
import type { Admission } from "./admission.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Mail, Sender } from "./mail.ts";
import type { Ground, Settings } from "./needs.ts";
import { maySend } from "./policy.ts";
import { keepAnnounced } from "./reachability.ts";
import type { Receipts } from "./receipts.ts";
import type { LiveSession, SessionTable } from "./session-table.ts";
import type { Waits } from "./waits.ts";

/** A body to send back in the same session. */
export type Reply = { readonly [Type in DialogueType]: { readonly msgType: Type; readonly body: BodyByType[Type] } }[DialogueType];

export interface DialogueParts {
  readonly ground: Ground;
  readonly settings: Settings;
  readonly known: KnownPeers;
  readonly sessions: SessionTable;
  readonly waits: Waits;
  readonly receipts: Receipts;
  readonly mail: Mail;
  readonly admission: Admission;
  readonly capabilities: () => readonly Capability[];
  /** The peer said where it can be reached. */
  readonly announced: (session: LiveSession, addresses: readonly string[]) => Promise<void>;
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
  /** Names the message if it has to be refused. */
  readonly ref: string;
}

type Respond<Type extends DialogueType> = (parts: Opened<BodyByType[Type]>) => Promise<readonly Reply[]> | readonly Reply[];

const nothing: readonly Reply[] = [];

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

  /** The bodies to answer with, in order. `ref` names the message if it has to be refused. Rejects only where our own storage fails. */
  async receive(
    session: LiveSession,
    msgType: string,
    plaintext: Parameters<typeof decodeBody>[1],
    ref: string,
  ): Promise<readonly Reply[]> {
    const { known } = this.#parts;
    const { peerId } = session.facts;
    const standing = known.standingOf(peerId);
    const retryAfterS = this.#parts.admission.message(peerId, msgType, standing);
    if (retryAfterS !== undefined) return this.#refuse(session, msgType, "RATE_LIMITED", ref, retryAfterS);
    // "Does not exist" and "not allowed" are one answer (spec ERR-5).
    if (!isMessageType(msgType) || !this.#isAllowed(session, msgType)) return this.#refuse(session, msgType, "UNAUTHORIZED", ref);
    if (!isDialogueType(msgType) || this.#responders[msgType] === undefined) return this.#refuse(session, msgType, "UNSUPPORTED_TYPE", ref);
    const body = decodeBody(msgType, plaintext);
    if (body === undefined) return this.#refuse(session, msgType, "INVALID_PAYLOAD", ref);
    const from: Sender = { did: peerId, name: known.get(peerId)?.name ?? peerId, trust: standing.level };
    this.#parts.ground.counters.add(`received.${msgType}`);
    const respond = this.#responders[msgType] as Respond<typeof msgType>;
    return await respond({ session, from, body, ref });
  }

  /** A stranger in the middle of pairing may say where it is: only if it is trusted in the end is that kept. */
  #isAllowed(session: LiveSession, msgType: Parameters<typeof maySend>[1]): boolean {
    const standing = this.#parts.known.standingOf(session.facts.peerId);
    const isIntroduction = msgType === "discovery" || msgType === "status_report";
    return maySend(standing, msgType) || (standing.level === "unknown" && isIntroduction);
  }

  /** ERR-6, ERR-7: an error never answers an error, and a storm of them is refused in silence. */
  #refuse({ facts }: LiveSession, msgType: string, code: ErrorCode, ref: string, retryAfterS?: number): readonly Reply[] {
    const { ground, admission } = this.#parts;
    ground.counters.add(`refused.${code}`);
    if (msgType === "error" || !admission.mayTellError(facts.peerId)) return nothing;
    return [{ msgType: "error", body: { code, ref, ...(retryAfterS === undefined ? {} : { retry_after: retryAfterS }) } }];
  }

  #makeResponders(): { readonly [Type in DialogueType]?: Respond<Type> } {
    const { known, waits, receipts, sessions, settings } = this.#parts;
    return {
      ping: ({ body }) => [{ msgType: "pong", body }],
      pong: ({ from, body }) => {
        waits.settle(`pong ${from.did} ${body.n}`, undefined);
        return nothing;
      },
      heartbeat: () => nothing,
      discovery: ({ session, body }) => this.#noteAddresses(session, body.addresses),
      capability_query: ({ from, body }) => {
        const accepts = messageTypeNames.filter(
          (type) => factsOf(type).kind === "application" && maySend(known.standingOf(from.did), type) && this.#answersTo(type),
        );
        return [
          {
            msgType: "capability_response",
            body: { n: body.n, capabilities: this.#parts.capabilities(), accepts, features: settings.abilities.features },
          },
        ];
      },
      capability_response: ({ from, body }) => {
        waits.settle(`capabilities ${from.did} ${body.n}`, body);
        return nothing;
      },
      receipt: ({ from, body }) => {
        receipts.arrive(from.did, body.ids, body.stage, body.reason);
        return nothing;
      },
      error: ({ from, body }) => {
        const code = toldByPeer(body.code);
        const again = body.retry_after === undefined ? "" : `; try again in ${body.retry_after} s`;
        waits.fail(`error ${from.did} ${body.ref}`, new HikyakuError(code, `${from.name} refused: ${explain(code)}${again}.`));
        return nothing;
      },
      session_close: ({ session, body }) => {
        sessions.drop(session);
        if (body.reason === "declined") this.#parts.declined(session);
        return nothing;
      },
      status_report: ({ session, from, body }) => this.#noteStatus(session, from, body),
      message: async ({ body, ...opened }) => await this.#takeMessage({ ...opened, body: body as ApplicationFields & MessageBody }),
    };
  }

  #answersTo(type: string): boolean {
    return Object.hasOwn(this.#responders, type);
  }

  async #noteAddresses(session: LiveSession, addresses: readonly string[]): Promise<readonly Reply[]> {
    await this.#parts.announced(session, keepAnnounced(addresses));
    return nothing;
  }

  async #noteStatus(session: LiveSession, from: Sender, body: StatusBody & Partial<ApplicationFields>): Promise<readonly Reply[]> {
    if (body.addresses !== undefined) await this.#noteAddresses(session, body.addresses);
    if (body.id === undefined) return nothing;
    const { state, detail } = body;
    const receivedAt = this.#parts.ground.clock.now();
    if (from.trust !== "unknown")
      this.#status.set(from.did, { receivedAt, ...(state === undefined ? {} : { state }), ...(detail === undefined ? {} : { detail }) });
    return [{ msgType: "receipt", body: { ids: [body.id], stage: "handled" } }];
  }

  async #takeMessage({ session, from, body, ref }: Opened<ApplicationFields & MessageBody>): Promise<readonly Reply[]> {
    if (body.exp !== undefined && body.exp < this.#parts.ground.clock.now()) {
      this.#parts.ground.counters.add("refused.MESSAGE_EXPIRED");
      return [{ msgType: "receipt", body: { ids: [body.id], stage: "refused", reason: "MESSAGE_EXPIRED" } }];
    }
    const stage = await this.#parts.mail.receive(from, body);
    if (stage === "full") return this.#refuse(session, "message", "QUOTA_EXCEEDED", ref, limits.inboxFullRetryAfterS);
    if (body.reply_to !== undefined) this.#parts.waits.settle(`reply ${from.did} ${body.reply_to}`, body);
    return [{ msgType: "receipt", body: { ids: [body.id], stage } }];
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
