import { expect, test } from "vitest";
import type { Bytes } from "../base/bytes.ts";
import { skippedSecretMsMax, skippedSecretsMax } from "../base/limits.ts";
import { expandLabel } from "../crypto/key-derivation.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { commitStep, eraseReceivingChain, forgetSkipped, type ReceivingChain, receivingChainAt, SendingChain, stepTo } from "./ratchet.ts";

const crypto = pureCrypto;
const filled = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const erased = filled(0);
const chainKey = () => filled(7);

/** Spec §5: ms_j and ck_j, straight from the definition. */
function secretsOf(count: number): readonly Bytes[] {
  const secrets: Bytes[] = [];
  let key = chainKey();
  for (let at = 0; at < count; at += 1) {
    secrets.push(expandLabel(crypto, key, "ms", new Uint8Array(0), 32));
    key = expandLabel(crypto, key, "ck", new Uint8Array(0), 32);
  }
  return secrets;
}
const secrets = secretsOf(5);

test("a sending chain gives each message its own secret and number [MSG-1]", () => {
  let chain = new SendingChain(chainKey(), 2);
  const given = secrets.map((_, at) => {
    expect(chain.sequenceNum).toBe(2 + at);
    const { messageSecret, next } = chain.step(crypto);
    chain = next;
    return messageSecret;
  });
  expect(given).toEqual(secrets);
});

test("a sending chain refuses its second use and forgets the key that made the secret [MSG-1]", () => {
  const key = chainKey();
  const chain = new SendingChain(key, 2);
  chain.step(crypto);
  expect(key).toEqual(erased);
  expect(() => chain.step(crypto)).toThrow("already used");
});

test("an erased sending chain gives nothing any more [MSG-1]", () => {
  const key = chainKey();
  const chain = new SendingChain(key, 2);
  chain.erase();
  expect(key).toEqual(erased);
  expect(() => chain.step(crypto)).toThrow("already used");
});

function receive(
  chain: ReceivingChain,
  sequenceNum: number,
  elapsed = 0,
  skippedMax = skippedSecretsMax,
): { readonly secret: Bytes | undefined; readonly chain: ReceivingChain } {
  const step = stepTo(crypto, chain, sequenceNum, { elapsed, skippedMax });
  if (step === undefined) return { secret: undefined, chain };
  const secret = step.messageSecret.slice();
  return { secret, chain: commitStep(chain, step) };
}

test.each([[[2, 3, 4, 5, 6]], [[6, 5, 4, 3, 2]], [[4, 2, 6, 3, 5]]])(
  "a receiving chain gives the sender's secrets in the order %j, each once [MSG-1] [MSG-8]",
  (order) => {
    let chain = receivingChainAt(chainKey(), 2);
    for (const sequenceNum of order) {
      const received = receive(chain, sequenceNum);
      expect(received.secret).toEqual(secrets[sequenceNum - 2]);
      chain = received.chain;
      expect(receive(chain, sequenceNum).secret).toBeUndefined();
    }
    expect(chain.skipped.size).toBe(0);
  },
);

test("trying a message changes nothing, however far ahead it is [MSG-6]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 2), 4);
  const before = structuredClone(chain);
  for (const sequenceNum of [2, 3, 5, 900]) stepTo(crypto, chain, sequenceNum, { elapsed: skippedSecretMsMax + 1, skippedMax: 1 });
  expect(chain).toEqual(before);
});

test("keeping a step erases the chain key before it and the secret that was used [MSG-1]", () => {
  const first = receivingChainAt(chainKey(), 2);
  const step = stepTo(crypto, first, 3, { elapsed: 0 });
  const second = commitStep(first, step as NonNullable<typeof step>);
  expect(first.chainKey).toEqual(erased);
  expect(step?.messageSecret).toEqual(erased);
  const held = second.skipped.get(2)?.messageSecret;
  expect(held).toEqual(secrets[0]);
  const { chain: third } = receive(second, 2);
  expect(held).toEqual(erased);
  expect(third.chainKey).not.toEqual(erased);
});

test("a skipped secret serves for 120 s, and not a millisecond longer [MSG-8]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 2), 3, 1000);
  expect(receive(structuredClone(chain), 2, 1000 + skippedSecretMsMax).secret).toEqual(secrets[0]);
  expect(receive(structuredClone(chain), 2, 1000 + skippedSecretMsMax + 1).secret).toBeUndefined();
});

test("expired secrets are erased with the next message that is kept [MSG-8]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 2), 3);
  const held = chain.skipped.get(2)?.messageSecret;
  const { chain: next } = receive(chain, 4, skippedSecretMsMax + 1);
  expect(held).toEqual(erased);
  expect(next.skipped.size).toBe(0);
});

test("no more than 1 024 secrets are held, and the oldest are erased first [MSG-8]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 0), skippedSecretsMax);
  expect([chain.skipped.size, skippedSecretsMax]).toEqual([1024, 1024]);
  const oldest = [0, 1].map((sequenceNum) => chain.skipped.get(sequenceNum)?.messageSecret);
  const { chain: next } = receive(chain, skippedSecretsMax + 3);
  expect(next.skipped.size).toBe(skippedSecretsMax);
  expect(oldest).toEqual([erased, erased]);
  expect([...next.skipped.keys()].slice(0, 1)).toEqual([2]);
});

test("where less room is left, the newest stay and the oldest are erased; none at all is room enough to go on [LIM-6]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 2), 4);
  const oldest = chain.skipped.get(2)?.messageSecret;
  const { chain: tighter } = receive(chain, 6, 0, 2);
  expect([...tighter.skipped.keys()]).toEqual([3, 5]);
  expect(oldest).toEqual(erased);
  expect(receive(structuredClone(tighter), 5).secret).toEqual(secrets[3]);
  const without = receive(receivingChainAt(chainKey(), 2), 5, 0, 0);
  expect([without.secret, without.chain.skipped.size]).toEqual([secrets[3], 0]);
  expect(receive(without.chain, 6).secret).toEqual(secrets[4]);
});

test("a secret that there is no room for is never made [LIM-6]", () => {
  let derivations = 0;
  const counting: typeof crypto = {
    ...crypto,
    expand: (...args) => {
      derivations += 1;
      return crypto.expand(...args);
    },
  };
  stepTo(counting, receivingChainAt(chainKey(), 2), 102, { elapsed: 0, skippedMax: 3 });
  expect(derivations).toBe(100 + 3 + 2);
});

test("an erased receiving chain holds no secret [MSG-1]", () => {
  const { chain } = receive(receivingChainAt(chainKey(), 2), 4);
  eraseReceivingChain(chain);
  expect([chain.chainKey, ...[...chain.skipped.values()].map(({ messageSecret }) => messageSecret)]).toEqual([erased, erased, erased]);
});

test("secrets that have waited too long are erased even if no message comes [MSG-8]", () => {
  const skipping = receive(receivingChainAt(chainKey(), 1), 3).chain;
  const held = [...skipping.skipped.values()].map(({ messageSecret }) => messageSecret);
  expect(forgetSkipped(skipping, skippedSecretMsMax)).toBe(skipping);
  expect(held).toHaveLength(2);
  const later = forgetSkipped(skipping, skippedSecretMsMax + 1);
  expect(later.skipped.size).toBe(0);
  expect(held).toEqual([erased, erased]);
  expect(receive(later, 4).secret).toEqual(secrets[3]);
});
