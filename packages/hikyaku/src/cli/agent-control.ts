/** The peer that is up, on behalf of an agent: found again after it was started anew, so that whoever serves the agent outlives it. */
import type { Config } from "../config/config.ts";
import type { Control } from "../mcp/control.ts";
import { ControlClient } from "./control-client.ts";
import { NotRunning } from "./not-running.ts";

/** What only looks is never behind what waits for a change or for another peer. */
const lookingConnections = 4;
const waitingConnections = 40;
const answerMsMax = 120_000;

export class AgentControl implements Control {
  readonly #looking: Line;
  readonly #waiting: Line;

  constructor(config: Config, agent: string) {
    this.#looking = new Line(() => ControlClient.connect(config, { connections: lookingConnections, answerMsMax, agent }));
    this.#waiting = new Line(() => ControlClient.connect(config, { connections: waitingConnections, answerMsMax, agent }));
  }

  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
    const line = /[?&]waitMs=[1-9]/.test(path) ? this.#waiting : this.#looking;
    return line.ask((client) => client.get<Answer>(path, signal));
  }

  post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    return this.#waiting.ask((client) => client.post<Answer>(path, body, signal));
  }

  async close(): Promise<void> {
    await Promise.all([this.#looking.close(), this.#waiting.close()]);
  }
}

/** A client of the peer, made anew where the peer is another than before. */
class Line {
  readonly #connect: () => Promise<ControlClient>;
  #connected: Promise<ControlClient> | undefined;

  constructor(connect: () => Promise<ControlClient>) {
    this.#connect = connect;
  }

  /** Asked once more where the peer is another and cannot have heard it. One connection that broke says nothing of the others, so they stay. */
  async ask<Answer>(question: (client: ControlClient) => Promise<Answer>): Promise<Answer> {
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

  async close(): Promise<void> {
    await this.#leave(this.#connected);
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
