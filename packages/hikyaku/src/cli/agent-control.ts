/** The peer that is up, on behalf of an agent: found again after it was started anew, so that whoever serves the agent outlives it. */
import type { Config } from "../config/config.ts";
import type { Control } from "../mcp/control.ts";
import { ControlClient } from "./control-client.ts";
import { NotRunning } from "./not-running.ts";

const answerMsMax = 120_000;

export interface AgentBounds {
  readonly agent: string;
  /** How many calls may be in work at once. */
  readonly calls: number;
}

export class AgentControl implements Control {
  readonly #connect: () => Promise<ControlClient>;
  /** Made anew where the peer is another than before. */
  #connected: Promise<ControlClient> | undefined;

  /** Each call asks one thing at a time, and whoever hears of changes one more: so nothing stands behind what waits. */
  constructor(config: Config, { agent, calls }: AgentBounds) {
    this.#connect = () => ControlClient.connect(config, { connections: calls + 1, answerMsMax, agent });
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

  /** Asked once more where the peer is another and cannot have heard it. One connection that broke says nothing of the others, so they stay. */
  async #ask<Answer>(question: (client: ControlClient) => Promise<Answer>): Promise<Answer> {
    const kept = this.#connected;
    try {
      return await question(await this.#client());
    } catch (error) {
      if (!(error instanceof NotRunning) || error.mayHaveHeard) throw error;
      await this.#leave(kept ?? this.#connected);
      if (kept === undefined) throw error;
    }
    return await question(await this.#client());
  }

  #client(): Promise<ControlClient> {
    this.#connected ??= this.#connect();
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
