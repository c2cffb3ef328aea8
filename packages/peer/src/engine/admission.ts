/**
 * How often whom (spec LIM-2, LIM-3): unauthenticated requests are counted by network prefix, because a claimed sender costs nothing; messages are counted by
 * identity only once it is proven, because otherwise anybody could use up somebody else's share.
 */
import { limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Origin } from "../ports/link.ts";
import { FriendlyHosts } from "./friendly-hosts.ts";
import { isFriend, type Standing } from "./policy.ts";
import { RateLimiter } from "./rate-limiter.ts";

type Limited = keyof typeof limits.strangerRates;

export class Admission {
  readonly #clock: Clock;
  readonly #prefixes = new RateLimiter(limits.limitedPrefixesMax);
  readonly #friendly = new FriendlyHosts();
  readonly #hosts = new RateLimiter(limits.friendlyHostsMax);
  readonly #identities = new RateLimiter(limits.limitedIdentitiesMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One request: undefined where it may come in, else the seconds to wait. */
  request(origin: Origin): number | undefined {
    const { limiter, name } = this.#countOf(origin);
    return limiter.take(name, limits.prefixRate, this.#clock.elapsed());
  }

  /** The request turned out to come from a proven peer, which does not count against its neighbours. */
  proven(origin: Origin, standing: Standing): void {
    const { limiter, name } = this.#countOf(origin);
    limiter.giveBack(name);
    if (isFriend(standing)) this.#friendly.add(origin.host, this.#clock.elapsed());
  }

  /** LIM-8: a host is counted with its network, unless a friend was proven there lately. */
  #countOf({ host, prefix }: Origin): { readonly limiter: RateLimiter; readonly name: string } {
    const isFriendly = this.#friendly.has(host, this.#clock.elapsed());
    return isFriendly ? { limiter: this.#hosts, name: host } : { limiter: this.#prefixes, name: prefix };
  }

  /** One message of a proven identity: undefined where it may be handled, else the seconds to wait. */
  message(did: string, msgType: string, standing: Standing): number | undefined {
    const rate = rateOf(msgType, standing);
    return rate === undefined ? undefined : this.#identities.take(`${did} ${limitedAs(msgType)}`, rate, this.#clock.elapsed());
  }

  /** Whether one more error may be told to this peer: a storm of them would be load of our own making (spec ERR-7). */
  mayTellError(did: string): boolean {
    return this.#identities.take(`${did} error`, limits.errorRate, this.#clock.elapsed()) === undefined;
  }

  sweep(): void {
    const elapsed = this.#clock.elapsed();
    this.#prefixes.sweep(elapsed);
    this.#friendly.sweep(elapsed);
    this.#hosts.sweep(elapsed);
    this.#identities.sweep(elapsed);
  }

  get sizes(): { readonly prefixes: number; readonly friendlyHosts: number; readonly hosts: number; readonly identities: number } {
    const [prefixes, hosts, identities] = [this.#prefixes.size, this.#hosts.size, this.#identities.size];
    return { prefixes, friendlyHosts: this.#friendly.size, hosts, identities };
  }
}

function rateOf(msgType: string, standing: Standing): limits.Rate | undefined {
  if (!isFriend(standing)) return limits.strangerRates[limitedAs(msgType)];
  return msgType === "handshake" ? limits.trustedHandshakeRate : undefined;
}

const limitedAs = (msgType: string): Limited => (Object.hasOwn(limits.strangerRates, msgType) ? (msgType as Limited) : "other");
