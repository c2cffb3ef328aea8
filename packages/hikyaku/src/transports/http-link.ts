/** A way to one peer over HTTP (spec §9): each frame is one `POST /message`, and the answer on the same connection is the reception. */
import type { Exchange, Log, Origin, Reception } from "@hikyaku/peer";
import { type Bytes, HikyakuError } from "@hikyaku/protocol";
import { errors } from "undici";
import type { ChosenHost } from "./host-choice.ts";
import { decodeAnswer } from "./http-answer.ts";
import type { HttpPools } from "./http-pools.ts";
import { ipPrefix, urlHost } from "./ip-text.ts";
import { canceled, failureCodeOf, linkFailure } from "./link-failure.ts";

export interface HttpLinkNeeds {
  readonly pools: HttpPools;
  readonly log: Log;
}

export interface HttpLinkSettings {
  /** As announced; errors name it. */
  readonly address: string;
  readonly host: ChosenHost;
  readonly answerMsMax: number;
  /** Ends with the dialer. */
  readonly closing: AbortSignal;
}

/** What undici throws where bytes came back that are no answer of ours: too long, or not HTTP at all. */
const outOfForm = [
  errors.HTTPParserError,
  errors.HeadersOverflowError,
  errors.ResponseContentLengthMismatchError,
  errors.ResponseExceededMaxSizeError,
] as const;

export class HttpLink implements Exchange {
  readonly kind = "exchange";
  readonly origin: Origin;
  readonly route: string;
  readonly #needs: HttpLinkNeeds;
  readonly #settings: HttpLinkSettings;

  constructor(needs: HttpLinkNeeds, settings: HttpLinkSettings) {
    this.#needs = needs;
    this.#settings = settings;
    this.route = settings.address;
    this.origin = { host: settings.host.ip, prefix: ipPrefix(settings.host.ip) };
  }

  async deliver(frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const { address, answerMsMax, closing } = this.#settings;
    const overdue = AbortSignal.timeout(answerMsMax);
    const stop = AbortSignal.any([signal, closing, overdue]);
    try {
      return await this.#post(frame, stop);
    } catch (error) {
      if (signal.aborted || closing.aborted) throw canceled(address, error);
      if (overdue.aborted) throw new HikyakuError("TIMED_OUT", `${address} gave no answer within ${answerMsMax} ms.`, { cause: error });
      return this.#judgeFailure(error);
    }
  }

  /** Redirects are not followed: a pool knows one origin and hands every status back. */
  async #post(frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const { ip, port, authority } = this.#settings.host;
    const pool = this.#needs.pools.poolOf(`http://${urlHost(ip)}:${port}`);
    const headers = { host: authority, "content-type": "application/json" };
    const { statusCode, body } = await pool.request({ method: "POST", path: "/message", headers, body: frame, signal });
    return decodeAnswer(statusCode, new Uint8Array(await body.arrayBuffer()));
  }

  #judgeFailure(error: unknown): Reception {
    const cause = failureCodeOf(error);
    this.#needs.log.write("debug", "link.failed", { address: this.#settings.address, cause });
    if (outOfForm.some((kind) => error instanceof kind)) return { kind: "refused", code: "MALFORMED_MESSAGE" };
    throw linkFailure(this.#settings.address, error);
  }
}
