/** What peers say of their capabilities (spec §18): our own word for each of them, signed, and theirs, kept as long as it is good. */
import {
  type Capability,
  type CapabilityResponseBody,
  type CapabilityStatement,
  encodeUtf8,
  HikyakuError,
  judgeStatement,
  limits,
  type StatementVerdict,
  signStatement,
} from "@hikyaku/protocol";
import { fitInto } from "../work/capability-list.ts";
import type { KeyRing } from "./key-ring.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Sender } from "./mail.ts";
import type { Ground } from "./needs.ts";
import type { Waits } from "./waits.ts";

export interface StatementsParts {
  readonly ground: Ground;
  readonly known: KnownPeers;
  readonly keys: KeyRing;
  readonly waits: Waits;
}

/** What we offer to one peer. */
export interface Offering {
  readonly capabilities: readonly Capability[];
  readonly accepts: readonly string[];
  readonly features: readonly string[];
}

interface Kept {
  readonly statement: CapabilityStatement;
  /** Monotonic milliseconds: the clocks of two machines may differ, and no clock that is set makes old news good again. */
  readonly until: number;
}

/** Under which the answer to question `n` is waited for. */
export const statementKey = (did: string, n: number): string => `capabilities ${did} ${n}`;

export class Statements {
  readonly #parts: StatementsParts;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: StatementsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** CAP-1: our answer to question `n` of a peer. */
  tell(to: string, n: number, offering: Offering): CapabilityResponseBody {
    const { identity, clock } = this.#parts.ground;
    const now = clock.now();
    const said = { ...offering, from: identity.did, to, issued_at: now, valid_until: now + limits.statementMsDefault };
    return { n, ...signStatement(fitting(said), (message) => identity.key.sign(message)) };
  }

  /** CAP-3: a peer's answer, judged before anybody gets to see it. One that nobody waits for is not looked at. */
  arrive({ did, name }: Sender, { n, ...statement }: CapabilityResponseBody): void {
    const { ground, waits } = this.#parts;
    const key = statementKey(did, n);
    if (!waits.has(key)) return;
    const verdict = this.#judge(did, statement);
    if (verdict.kind === "refused") {
      ground.counters.add("statement.refused");
      const problem = `${name} answered with capabilities that it did not sign, or not for this peer.`;
      waits.fail(key, new HikyakuError("INVALID_SIGNATURE", problem));
      return;
    }
    if (verdict.kind === "signed") this.#keep(did, verdict);
    waits.settle(key, verdict.statement);
  }

  /** CAP-4: what this peer said last, while it is good. */
  find(did: string): CapabilityStatement | undefined {
    const kept = this.#kept.get(did);
    return kept !== undefined && this.#parts.ground.clock.elapsed() < kept.until ? kept.statement : undefined;
  }

  forget(did: string): void {
    this.#kept.delete(did);
  }

  #judge(did: string, statement: CapabilityStatement): StatementVerdict {
    const { ground, keys } = this.#parts;
    const telling = { from: did, to: ground.identity.did };
    return judgeStatement(statement, telling, (message, signature) => keys.keyOf(did)?.verify(message, signature) === true);
  }

  /** One of each known peer, so that strangers fill nothing. */
  #keep(did: string, { statement, lifeMs }: Extract<StatementVerdict, { kind: "signed" }>): void {
    if (this.#parts.known.get(did) === undefined) return;
    const until = this.#parts.ground.clock.elapsed() + Math.min(lifeMs, limits.statementMsMax);
    this.#kept.set(did, { statement, until });
  }
}

/** CAP-5: the statement as it fits into one body, with all that comes beside it. */
function fitting(said: CapabilityStatement): CapabilityStatement {
  const rest: CapabilityResponseBody = { ...said, ...blank, capabilities: [] };
  const { capabilities, isWhole } = fitInto(said.capabilities, limits.bodyBytesMax - encodeUtf8(JSON.stringify(rest)).length);
  return isWhole ? said : { ...said, capabilities, truncated: true };
}

/** As long as what comes in its place can be. */
const blank = { n: Number.MAX_SAFE_INTEGER, signature: "0".repeat(128), truncated: true } as const;
