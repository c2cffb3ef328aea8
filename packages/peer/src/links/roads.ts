/**
 * Ways to a peer (spec §9, §11): the stream that is up, or else whichever of its addresses answers first, unless too many attempts there failed lately. What
 * travels on a way is the business of whoever uses it.
 */
import { audienceOf, HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Dialer, DialOptions, Link, StreamHolder } from "../ports/link.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import { afterAttempt, beginAttempt, type Circuit, closedCircuit } from "./circuit.ts";
import type { Contact } from "./contact.ts";
import { type Racer, race } from "./race.ts";
import type { Reachability } from "./reachability.ts";
import type { StreamTable } from "./stream-table.ts";

export interface RoadsParts {
  readonly clock: Clock;
  readonly dialer: Dialer;
  readonly reachability: Reachability;
  readonly streams: StreamTable;
  readonly holder: StreamHolder;
}

/** What went wrong on the ways that were tried. */
interface Trouble {
  readonly failures: HikyakuError[];
  /** Unsigned, and maybe of whoever has that address now: another address may lead to the peer itself. */
  refusal?: HikyakuError;
}

type Used<Value> = { readonly kind: "worked"; readonly value: Value } | { readonly kind: "refused" | "failed" };

export class Roads {
  readonly #parts: RoadsParts;
  /** By address; only what failed lately stands here. */
  readonly #circuits = new Map<string, Circuit>();

  constructor(parts: RoadsParts) {
    this.#parts = parts;
  }

  /**
   * Lets `use` try one way after another until it resolves. It may fail with UNREACHABLE, TIMED_OUT or a code that the other side answered: then the next way is
   * tried; anything else ends the trying. Rejects with the first refusal, or with UNREACHABLE naming every address and cause.
   */
  async tryEach<Value>(contact: Contact, signal: AbortSignal, use: (link: Link) => Promise<Value>): Promise<Value> {
    const trouble: Trouble = { failures: [] };
    const live = this.#parts.streams.of(contact.did);
    if (live !== undefined) {
      const used = await this.#use(live, use, trouble);
      if (used.kind === "worked") return used.value;
    }
    let candidates = this.#parts.reachability.order(contact);
    while (candidates.length > 0 && !signal.aborted) {
      const outcome = await race(
        this.#parts.clock,
        candidates.map((known) => this.#racer(contact, known)),
        signal,
      );
      if (outcome.kind === "lost") {
        trouble.failures.push(...outcome.failures);
        break;
      }
      const known = candidates[outcome.index];
      candidates = candidates.filter((candidate) => candidate !== known);
      const used = await this.#use(outcome.prize, use, trouble);
      if (known !== undefined) this.#judge(known.address, used.kind !== "failed");
      if (used.kind === "worked") {
        if (known !== undefined) this.#parts.reachability.succeeded(contact.did, known.address);
        return used.value;
      }
      if (outcome.prize.kind === "stream") outcome.prize.close("of no use");
    }
    if (signal.aborted) throw new HikyakuError("CANCELED", `The call to ${contact.name} was called off.`, { cause: signal.reason });
    throw conclude(contact, trouble);
  }

  /** What failed at these addresses counts no longer. */
  forget(addresses: readonly KnownAddress[]): void {
    for (const { address } of addresses) this.#circuits.delete(address);
  }

  get size(): number {
    return this.#circuits.size;
  }

  async #use<Value>(link: Link, use: (link: Link) => Promise<Value>, trouble: Trouble): Promise<Used<Value>> {
    try {
      return { kind: "worked", value: await use(link) };
    } catch (error) {
      if (!(error instanceof HikyakuError)) throw error;
      if (error.code === "UNREACHABLE" || error.code === "TIMED_OUT") {
        trouble.failures.push(error);
        return { kind: "failed" };
      }
      if (audienceOf(error.code) === "local") throw error;
      trouble.refusal ??= error;
      return { kind: "refused" };
    }
  }

  #racer(contact: Contact, known: KnownAddress): Racer<Link> {
    const { address } = known;
    const { clock, dialer, reachability, streams, holder } = this.#parts;
    return {
      open: async (signal) => {
        const circuit = beginAttempt(this.#circuits.get(address) ?? closedCircuit, clock.elapsed());
        if (circuit === undefined) throw new HikyakuError("UNREACHABLE", `${address} failed too often and rests for a while.`);
        this.#hold(address, circuit);
        try {
          const isAllowed: DialOptions["isAllowed"] = (host, kind) => reachability.mayDial(contact.did, known, host, kind);
          const link = await dialer.dial(address, { isAllowed, signal, holder });
          if (link.kind === "stream") streams.add(link, clock.elapsed(), contact.did);
          return link;
        } catch (error) {
          if (!signal.aborted) this.#judge(address, false);
          throw error;
        }
      },
      discard: (link) => {
        if (link.kind === "stream") link.close("another address was faster");
      },
    };
  }

  #judge(address: string, hasWorked: boolean): void {
    this.#hold(address, afterAttempt(this.#circuits.get(address) ?? closedCircuit, hasWorked, this.#parts.clock.elapsed()));
  }

  #hold(address: string, circuit: Circuit): void {
    this.#circuits.delete(address);
    if (circuit.kind === "closed" && circuit.failures === 0) return;
    const oldest = this.#circuits.keys().next();
    if (this.#circuits.size >= limits.knownPeersMax && oldest.done !== true) this.#circuits.delete(oldest.value);
    this.#circuits.set(address, circuit);
  }
}

function conclude({ name, addresses }: Contact, { failures, refusal }: Trouble): HikyakuError {
  if (refusal !== undefined) return refusal;
  const [only] = failures;
  if (failures.length === 1 && only?.code === "TIMED_OUT") return only;
  if (failures.length === 0 && addresses.length === 0)
    return new HikyakuError(
      "UNREACHABLE",
      `${name} is not reachable: no address of it is known; let it call, or add one with \`hikyaku trust ${name} --at http://host:port\`.`,
    );
  return new HikyakuError(
    "UNREACHABLE",
    `${name} is not reachable: ${failures.map(({ message }) => message.replace(/\.$/, "")).join("; ")}.`,
  );
}
