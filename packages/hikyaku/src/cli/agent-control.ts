/** The peer that is up, on behalf of an agent: found again after it was started anew, so that whoever serves the agent outlives it. */
import type { Config } from "../config/config.ts";
import type { Control } from "../mcp/control.ts";
import { type ClientBounds, ControlClient } from "./control-client.ts";
import { NotRunning } from "./not-running.ts";

export class AgentControl implements Control {
  readonly #config: Config;
  readonly #bounds: ClientBounds;
  #connected: Promise<ControlClient> | undefined;

  constructor(config: Config, bounds: ClientBounds) {
    this.#config = config;
    this.#bounds = bounds;
  }

  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.#ask((client) => client.get<Answer>(path, signal));
  }

  post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    return this.#ask((client) => client.post<Answer>(path, body, signal));
  }

  async close(): Promise<void> {
    await this.#leave(this.#connected);
  }

  /** Asked once more where the peer is another than before and cannot have heard it. */
  async #ask<Answer>(question: (client: ControlClient) => Promise<Answer>): Promise<Answer> {
    const kept = this.#connected;
    try {
      return await question(await this.#client());
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error;
      await this.#leave(kept ?? this.#connected);
      if (error.mayHaveHeard || kept === undefined) throw error;
    }
    return await question(await this.#client());
  }

  #client(): Promise<ControlClient> {
    this.#connected ??= ControlClient.connect(this.#config, this.#bounds);
    return this.#connected;
  }

  /** Of several that find the peer gone, one may have found it again by now. */
  async #leave(connected: Promise<ControlClient> | undefined): Promise<void> {
    if (this.#connected === connected) this.#connected = undefined;
    await connected?.then(
      (client) => client.close(),
      () => undefined,
    );
  }
}
