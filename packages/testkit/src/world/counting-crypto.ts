/** A crypto implementation that counts what it is asked, for tests that say what is *not* computed (spec ORD-1). */
import type { Crypto } from "@hikyaku/protocol";

export interface CountingCrypto {
  readonly crypto: Crypto;
  /** Calls since the last look, by name; what was not called is not there. */
  readonly take: () => Readonly<Record<string, number>>;
}

export function countingCrypto(crypto: Crypto): CountingCrypto {
  let calls: Record<string, number> = {};
  const counted =
    <Args extends readonly unknown[], Result>(name: string, run: (...args: Args) => Result) =>
    (...args: Args): Result => {
      calls[name] = (calls[name] ?? 0) + 1;
      return run(...args);
    };
  return {
    crypto: {
      name: crypto.name,
      sha256: counted("sha256", (data) => crypto.sha256(data)),
      sha512: counted("sha512", (data) => crypto.sha512(data)),
      hmacSha256: counted("hmacSha256", (key, data) => crypto.hmacSha256(key, data)),
      expand: counted("expand", (secret, info, length) => crypto.expand(secret, info, length)),
      seal: counted("seal", (sealing, plaintext) => crypto.seal(sealing, plaintext)),
      open: counted("open", (sealing, sealed) => crypto.open(sealing, sealed)),
      signingKey: (seed) => {
        const key = crypto.signingKey(seed);
        return { publicKey: key.publicKey, sign: counted("sign", (message) => key.sign(message)) };
      },
      verifyingKey: counted("verifyingKey", (publicKey) => {
        const key = crypto.verifyingKey(publicKey);
        return key && { publicKey: key.publicKey, verify: counted("verify", (message, signature) => key.verify(message, signature)) };
      }),
      isTorsionFree: counted("isTorsionFree", (publicKey) => crypto.isTorsionFree(publicKey)),
      agreementKey: counted("agreementKey", (privateKey) => crypto.agreementKey(privateKey)),
    },
    take: () => {
      const taken = calls;
      calls = {};
      return taken;
    },
  };
}
