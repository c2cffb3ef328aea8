/**
 * What this peer's programs can do for others (spec CAP-1): those that are here now with their handlers, and those that were here lately, for which work waits until their
 * program is back.
 */
import { type Capability, canBeSigned, HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { KeptOffer, Offer, OfferStore } from "../ports/offer-store.ts";
import type { AssignedTask, TaskContext } from "./run.ts";
import { jsonSchemaOf, type Schema } from "./schema.ts";

/** Does the work. What it returns is the output; where it throws, the task has failed. */
export type CapabilityHandler<Input, Output> = (task: AssignedTask<Input>, context: TaskContext) => Promise<Output> | Output;

export interface CapabilitySettings<Input = unknown, Output = unknown> {
  /** `1` unless told. */
  readonly version?: string;
  readonly description?: string;
  /** Inputs that it refuses are rejected before anything runs. */
  readonly input?: Schema<Input>;
  /** An output that it refuses makes the task fail. */
  readonly output?: Schema<Output>;
  /** JSON Schemas to tell other peers, where the schemas have none of their own. */
  readonly inputJsonSchema?: unknown;
  readonly outputJsonSchema?: unknown;
  /** Whether running a task twice does no harm: then one that a crash cut short is run again. */
  readonly idempotent?: boolean;
  /** How many tasks run at once; one unless told. */
  readonly concurrency?: number;
  /** Names or dids of those it is offered to; everybody who may delegate unless told. */
  readonly for?: readonly string[];
}

/** A capability whose program is here. */
export interface LiveCapability {
  readonly offer: Offer;
  readonly input: Schema | undefined;
  readonly output: Schema | undefined;
  readonly handler: CapabilityHandler<never, unknown>;
}

/** A capability as this peer's owner sees it. */
export interface OwnCapability extends Capability {
  /** Dids of those it is offered to; everybody who may delegate where it is left out. */
  readonly for?: readonly string[];
  /** Whether its program is here; without it, work waits. */
  readonly isLive: boolean;
}

/** How busy a capability is. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
}

export class CapabilityTable {
  readonly #store: OfferStore;
  readonly #clock: Clock;
  readonly #offers = new Map<string, KeptOffer>();
  readonly #live = new Map<string, LiveCapability>();

  /** `offers` is what the store held when the peer started. */
  constructor(store: OfferStore, clock: Clock, offers: readonly KeptOffer[]) {
    this.#store = store;
    this.#clock = clock;
    for (const offer of offers) this.#offers.set(offer.name, offer);
  }

  /** Throws INVALID_ARGUMENT where the name is no name or taken, or a schema is too large. The offer is durable when the promise resolves. */
  add(
    name: string,
    settings: CapabilitySettings,
    handler: CapabilityHandler<never, unknown>,
    peers: readonly string[] | undefined,
  ): Promise<void> {
    const offer = offerOf(name, settings, peers);
    if (this.#live.has(name)) throw new HikyakuError("INVALID_ARGUMENT", `There is a capability ${JSON.stringify(name)} already.`);
    if (!this.#offers.has(name) && this.#offers.size >= limits.capabilitiesMax)
      throw new HikyakuError("INVALID_ARGUMENT", `A peer offers at most ${limits.capabilitiesMax} capabilities.`);
    const kept = { ...offer, offeredAt: this.#clock.now() };
    this.#offers.set(name, kept);
    this.#live.set(name, { offer, input: settings.input, output: settings.output, handler });
    return this.#store.put(kept).catch((error: unknown) => {
      this.#live.delete(name);
      this.#offers.delete(name);
      throw error;
    });
  }

  /** It is offered no more; work that waits for it goes on waiting until its deadline. */
  async withdraw(name: string): Promise<void> {
    this.#live.delete(name);
    this.#offers.delete(name);
    await this.#store.remove(name);
  }

  /** Its program is gone, and may come back: it is offered as before, and what comes meanwhile waits. */
  suspend(name: string): void {
    this.#live.delete(name);
  }

  live(name: string): LiveCapability | undefined {
    return this.#live.get(name);
  }

  offer(name: string): Offer | undefined {
    return this.#offers.get(name);
  }

  /** Whether this peer may have it. One that does not exist and one that is for others are the same to whoever asks (spec CAP-2). */
  isOffered(name: string, did: string): boolean {
    const offer = this.#offers.get(name);
    return offer !== undefined && (offer.peers === undefined || offer.peers.includes(did));
  }

  /** As the owner is told of them. */
  list(loadOf: (name: string) => Load): readonly OwnCapability[] {
    const own = (offer: Offer): OwnCapability => ({
      ...capabilityOf(offer, loadOf(offer.name)),
      ...(offer.peers === undefined ? {} : { for: offer.peers }),
      isLive: this.#live.has(offer.name),
    });
    return [...this.#offers.values()].map(own);
  }

  /** As this peer is told of them. */
  listFor(did: string, loadOf: (name: string) => Load): readonly Capability[] {
    return [...this.#offers.values()]
      .filter(({ name }) => this.isOffered(name, did))
      .map((offer) => capabilityOf(offer, loadOf(offer.name)));
  }

  /** Forgets what no program has offered for a week. */
  async sweep(): Promise<void> {
    const before = this.#clock.now() - limits.offerKeptMs;
    for (const { name, offeredAt } of this.#offers.values()) if (offeredAt < before && !this.#live.has(name)) await this.withdraw(name);
  }

  /** What is here now is not forgotten a week after this start, but after its end. */
  async renew(): Promise<void> {
    const now = this.#clock.now();
    for (const name of this.#live.keys()) {
      const offer = this.#offers.get(name);
      if (offer === undefined || offer.offeredAt > now - limits.offerKeptMs / 2) continue;
      this.#offers.set(name, { ...offer, offeredAt: now });
      await this.#store.put({ ...offer, offeredAt: now });
    }
  }
}

function offerOf(name: string, settings: CapabilitySettings, peers: readonly string[] | undefined): Offer {
  const { version = "1", description, idempotent = false, concurrency = limits.taskConcurrencyDefault } = settings;
  if (name.length === 0 || name.length > limits.nameLengthMax)
    throw new HikyakuError("INVALID_ARGUMENT", `A capability's name has 1 to ${limits.nameLengthMax} characters.`);
  requireShort(version, limits.nameLengthMax, "version");
  requireShort(description ?? "", limits.reasonLengthMax, "description");
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > limits.taskConcurrencyMax)
    throw new HikyakuError("INVALID_ARGUMENT", `concurrency wants a number from 1 to ${limits.taskConcurrencyMax}.`);
  const input = schemaText(settings.inputJsonSchema) ?? jsonSchemaOf(settings.input, "input");
  const output = schemaText(settings.outputJsonSchema) ?? jsonSchemaOf(settings.output, "output");
  for (const text of [input, output])
    if (text !== undefined && text.length > limits.schemaBytesMax)
      throw new HikyakuError(
        "INVALID_ARGUMENT",
        `A schema of ${JSON.stringify(name)} has more than ${limits.schemaBytesMax} characters as JSON.`,
      );
  const offer: Offer = {
    name,
    version,
    isIdempotent: idempotent,
    concurrency,
    ...(description === undefined ? {} : { description }),
    ...(input === undefined ? {} : { inputSchema: input }),
    ...(output === undefined ? {} : { outputSchema: output }),
    ...(peers === undefined ? {} : { peers }),
  };
  if (!canBeSigned({ capabilities: [capabilityOf(offer, { running: 0, waiting: 0 })], accepts: [], features: [] }))
    throw new HikyakuError("INVALID_ARGUMENT", `A text of ${JSON.stringify(name)} holds half a character, which no peer could be told.`);
  return offer;
}

function requireShort(text: string, lengthMax: number, what: string): void {
  if (text.length > lengthMax) throw new HikyakuError("INVALID_ARGUMENT", `A capability's ${what} has at most ${lengthMax} characters.`);
}

const schemaText = (schema: unknown): string | undefined => (schema === undefined ? undefined : JSON.stringify(schema));

const capabilityOf = (
  { name, version, description, inputSchema, outputSchema, isIdempotent, concurrency }: Offer,
  load: Load,
): Capability => ({
  name,
  version,
  ...(description === undefined ? {} : { description }),
  ...(inputSchema === undefined ? {} : { input: JSON.parse(inputSchema) as unknown }),
  ...(outputSchema === undefined ? {} : { output: JSON.parse(outputSchema) as unknown }),
  ...(isIdempotent ? { idempotent: true as const } : {}),
  limits: { concurrency },
  load,
});
