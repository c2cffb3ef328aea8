/**
 * Where attackers and honest clients sit on the network: each source sends from a loopback address of its own, so that the node counts it under the
 * prefix that the attack chose (127.x.y.0/24). Bytes go out exactly as given.
 */
import { Agent, request } from "node:http";
import type { Bytes } from "@hikyaku/protocol";

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** From the first byte out to the last byte in. */
  readonly ms: number;
}

export interface Posting {
  readonly port: number;
  readonly body: Bytes;
}

const answerMsMax = 10_000;
const socketsPerSource = 8;

export class Source implements Disposable {
  readonly address: string;
  readonly #agent: Agent;

  constructor(address: string) {
    this.address = address;
    this.#agent = new Agent({ keepAlive: true, maxSockets: socketsPerSource });
  }

  /** One `POST /message` to a node on 127.0.0.1. Rejects where no answer comes. */
  post({ port, body }: Posting): Promise<Answer> {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const beganAt = performance.now();
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port, localAddress: this.address, agent: this.#agent, timeout: answerMsMax };
      const outgoing = request({ ...options, method: "POST", path: "/message", headers }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
        });
        incoming.on("error", reject);
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text, ms: performance.now() - beganAt }));
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${answerMsMax} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Many sources that share the work. In as many prefixes, no limit per prefix hides the guard that is under test; in one, they meet it together. */
export class Crowd implements Disposable {
  readonly #sources: readonly Source[];

  constructor(addresses: readonly string[]) {
    this.#sources = addresses.map((address) => new Source(address));
  }

  /** Posts one at a time, each from the next place, so that each is timed alone. */
  async postInTurn(port: number, bodies: readonly Bytes[]): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (const [at, body] of bodies.entries()) {
      const source = this.#sources[at % this.#sources.length];
      if (source !== undefined) answers.push(await source.post({ port, body }));
    }
    return answers;
  }

  /** Posts all, several at a time, and answers in their order. */
  async postAll(port: number, bodies: readonly Bytes[]): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    let next = 0;
    const work = async (source: Source): Promise<void> => {
      for (let at = next; at < bodies.length; at = next) {
        next += 1;
        answers[at] = await source.post({ port, body: bodies[at] ?? new Uint8Array() });
      }
    };
    await Promise.all(this.#sources.map(work));
    return answers;
  }

  /** Posts these over and over until the time is up, as fast as answers come. */
  async flood(port: number, bodies: readonly Bytes[], forMs: number): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    const until = performance.now() + forMs;
    let next = 0;
    const work = async (source: Source): Promise<void> => {
      while (performance.now() < until) {
        const body = bodies[next % bodies.length] ?? new Uint8Array();
        next += 1;
        answers.push(await source.post({ port, body }));
      }
    };
    await Promise.all(this.#sources.map(work));
    return answers;
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source[Symbol.dispose]();
  }
}
