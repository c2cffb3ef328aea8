/**
 * The hash ratchet of one direction (spec MSG-1): each message has a secret of its own, and the chain key that made it is erased, so that who steals
 * today's state cannot read yesterday's messages.
 */
import { type Bytes, eraseBytes } from "../base/bytes.ts";
import { skippedSecretMsMax, skippedSecretsMax } from "../base/limits.ts";
import { expandLabel } from "../crypto/key-derivation.ts";
import type { Crypto } from "../crypto/port.ts";

const nothing: Bytes = new Uint8Array(0);
const secretBytes = 32;

const messageSecretOf = (crypto: Crypto, chainKey: Bytes): Bytes => expandLabel(crypto, chainKey, "ms", nothing, secretBytes);
const nextChainKeyOf = (crypto: Crypto, chainKey: Bytes): Bytes => expandLabel(crypto, chainKey, "ck", nothing, secretBytes);

/** What we send with. Sealing twice from one state would repeat a key, so a chain refuses its second use. */
export class SendingChain {
  readonly sequenceNum: number;
  readonly #chainKey: Bytes;
  #isSpent = false;

  constructor(chainKey: Bytes, sequenceNum: number) {
    this.#chainKey = chainKey;
    this.sequenceNum = sequenceNum;
  }

  /** The secret of the message `sequenceNum`, to be erased after sealing, and the chain for the message after it. */
  step(crypto: Crypto): { readonly messageSecret: Bytes; readonly next: SendingChain } {
    if (this.#isSpent) throw new Error("this sending chain was already used");
    this.#isSpent = true;
    const messageSecret = messageSecretOf(crypto, this.#chainKey);
    const next = new SendingChain(nextChainKeyOf(crypto, this.#chainKey), this.sequenceNum + 1);
    eraseBytes(this.#chainKey);
    return { messageSecret, next };
  }

  erase(): void {
    this.#isSpent = true;
    eraseBytes(this.#chainKey);
  }
}

interface SkippedSecret {
  readonly messageSecret: Bytes;
  /** When it was skipped, by our monotonic clock. */
  readonly skippedAt: number;
}

/** What we receive with: a plain value, so that a message may be tried on a copy and the copy thrown away. */
export interface ReceivingChain {
  readonly chainKey: Bytes;
  /** The message that `chainKey` belongs to. */
  readonly sequenceNum: number;
  /** Secrets of messages that have not come yet, oldest first. */
  readonly skipped: ReadonlyMap<number, SkippedSecret>;
}

export const receivingChainAt = (chainKey: Bytes, sequenceNum: number): ReceivingChain => ({ chainKey, sequenceNum, skipped: new Map() });

export interface StepSettings {
  /** By our monotonic clock. */
  readonly elapsed: number;
  /** How many skipped secrets the chain may hold afterwards, where other chains leave it less than `skippedSecretsMax`. */
  readonly skippedMax?: number;
}

export interface ReceivingStep {
  readonly messageSecret: Bytes;
  readonly next: ReceivingChain;
}

/**
 * The secret of one message and the chain after it; undefined where it was used or dropped. Changes nothing: `commitStep` does, once the message is
 * known to be authentic. The replay window bounds how far `sequenceNum` may run ahead.
 */
export function stepTo(
  crypto: Crypto,
  chain: ReceivingChain,
  sequenceNum: number,
  { elapsed, skippedMax = skippedSecretsMax }: StepSettings,
): ReceivingStep | undefined {
  if (sequenceNum < chain.sequenceNum) return takeSkipped(chain, sequenceNum, elapsed);
  const skipped = freshSkipped(chain, elapsed);
  const most = Math.min(skippedMax, skippedSecretsMax);
  let chainKey = chain.chainKey;
  for (let at = chain.sequenceNum; at < sequenceNum; at += 1) {
    // Of a jump wider than the room there is, only the newest secrets are made at all.
    if (sequenceNum - at <= most) skipped.set(at, { messageSecret: messageSecretOf(crypto, chainKey), skippedAt: elapsed });
    chainKey = nextChainKeyOf(crypto, chainKey);
  }
  dropOldest(skipped, most);
  const messageSecret = messageSecretOf(crypto, chainKey);
  return { messageSecret, next: { chainKey: nextChainKeyOf(crypto, chainKey), sequenceNum: sequenceNum + 1, skipped } };
}

/** Drops from a copy; `commitStep` erases. */
function dropOldest(skipped: Map<number, SkippedSecret>, most: number): void {
  for (const oldest of skipped.keys()) {
    if (skipped.size <= most) return;
    skipped.delete(oldest);
  }
}

function takeSkipped(chain: ReceivingChain, sequenceNum: number, elapsed: number): ReceivingStep | undefined {
  const skipped = freshSkipped(chain, elapsed);
  const found = skipped.get(sequenceNum);
  if (found === undefined) return undefined;
  skipped.delete(sequenceNum);
  return { messageSecret: found.messageSecret, next: { ...chain, skipped } };
}

/** A copy without the secrets that have waited too long. */
const freshSkipped = (chain: ReceivingChain, elapsed: number): Map<number, SkippedSecret> =>
  new Map([...chain.skipped].filter(([, { skippedAt }]) => elapsed - skippedAt <= skippedSecretMsMax));

/** Erases whatever the old chain held and the new one no longer needs. */
export function commitStep(before: ReceivingChain, { messageSecret, next }: ReceivingStep): ReceivingChain {
  if (before.chainKey !== next.chainKey) eraseBytes(before.chainKey);
  eraseBytes(messageSecret);
  eraseDropped(before.skipped, next.skipped);
  return next;
}

type SkippedSecrets = ReceivingChain["skipped"];

function eraseDropped(before: SkippedSecrets, kept: SkippedSecrets): void {
  for (const [sequenceNum, { messageSecret }] of before) {
    if (!kept.has(sequenceNum)) eraseBytes(messageSecret);
  }
}

/** Erases the secrets that have waited too long, where no message came that would have done it. */
export function forgetSkipped(chain: ReceivingChain, elapsed: number): ReceivingChain {
  const skipped = freshSkipped(chain, elapsed);
  if (skipped.size === chain.skipped.size) return chain;
  eraseDropped(chain.skipped, skipped);
  return { ...chain, skipped };
}

export function eraseReceivingChain(chain: ReceivingChain): void {
  eraseBytes(chain.chainKey);
  for (const { messageSecret } of chain.skipped.values()) eraseBytes(messageSecret);
}
