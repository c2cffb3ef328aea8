/**
 * Real crypto for one simulated world, which answers from memory what the world has worked out before: whatever an honest node signed or sealed is looked up, and both ends
 * derive the same keys. Anything else, and so anything bent, is really verified and opened.
 */
import {
  type AgreementKey,
  type Bytes,
  type Crypto,
  isSameBytes,
  type Sealing,
  type SigningKey,
  type VerifyingKey,
} from "@hikyaku/protocol";

const textOf = (bytes: Bytes): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

interface Signed {
  readonly publicKey: Bytes;
  readonly message: Bytes;
}

interface Sealed {
  readonly aad: Bytes;
  readonly sealed: Bytes;
  readonly plaintext: Bytes;
}

/** The crypto of all machines of one world. */
export class RememberedCrypto implements Crypto {
  readonly name: string;
  readonly #base: Crypto;
  readonly #verifying = new Map<string, VerifyingKey | undefined>();
  readonly #torsionFree = new Map<string, boolean>();
  readonly #signed = new Map<string, Signed>();
  readonly #sealed = new Map<string, Sealed>();
  /** What one end of a session derived and the other has not yet. */
  readonly #derived = new Map<string, Bytes>();
  readonly #shared = new Map<string, Bytes>();

  constructor(base: Crypto) {
    this.#base = base;
    this.name = base.name;
  }

  sha256(data: Bytes): Bytes {
    return this.#base.sha256(data);
  }

  sha512(data: Bytes): Bytes {
    return this.#base.sha512(data);
  }

  hmacSha256(key: Bytes, data: Bytes): Bytes {
    return this.#base.hmacSha256(key, data);
  }

  /** Both ends derive the same keys, so each is derived twice. */
  expand(secret: Bytes, info: Bytes, length: number): Bytes {
    const question = textOf(secret) + textOf(info);
    const known = this.#derived.get(question);
    if (known?.length === length) {
      this.#derived.delete(question);
      return known;
    }
    const output = this.#base.expand(secret, info, length);
    this.#derived.set(question, output.slice());
    return output;
  }

  seal(sealing: Sealing, plaintext: Bytes): Bytes {
    const sealed = this.#base.seal(sealing, plaintext);
    this.#sealed.set(textOf(sealing.key) + textOf(sealing.iv), { aad: sealing.aad.slice(), sealed, plaintext: plaintext.slice() });
    return sealed;
  }

  open(sealing: Sealing, sealed: Bytes): Bytes | undefined {
    const known = this.#sealed.get(textOf(sealing.key) + textOf(sealing.iv));
    const isKnown = known !== undefined && isSameBytes(known.sealed, sealed) && isSameBytes(known.aad, sealing.aad);
    return isKnown ? known.plaintext.slice() : this.#base.open(sealing, sealed);
  }

  signingKey(seed: Bytes): SigningKey {
    const key = this.#base.signingKey(seed);
    const { publicKey } = key;
    const sign = (message: Bytes): Bytes => {
      const signature = key.sign(message);
      this.#signed.set(textOf(signature), { publicKey, message: message.slice() });
      return signature;
    };
    return { publicKey, sign };
  }

  verifyingKey(publicKey: Bytes): VerifyingKey | undefined {
    const key = remember(this.#verifying, textOf(publicKey), () => this.#base.verifyingKey(publicKey));
    return key && { publicKey: key.publicKey, verify: (message, signature) => this.#verify(key, message, signature) };
  }

  isTorsionFree(publicKey: Bytes): boolean {
    return remember(this.#torsionFree, textOf(publicKey), () => this.#base.isTorsionFree(publicKey));
  }

  agreementKey(privateKey: Bytes): AgreementKey {
    const key = this.#base.agreementKey(privateKey);
    let isErased = false;
    const erase = (): void => {
      isErased = true;
      key.erase();
    };
    return { publicKey: key.publicKey, agree: (other) => (isErased ? key.agree(other) : this.#agree(key, other)), erase };
  }

  #verify(key: VerifyingKey, message: Bytes, signature: Bytes): boolean {
    const signed = this.#signed.get(textOf(signature));
    const isKnown = signed !== undefined && isSameBytes(signed.publicKey, key.publicKey) && isSameBytes(signed.message, message);
    return isKnown || key.verify(message, signature);
  }

  #agree(key: AgreementKey, other: Bytes): Bytes | undefined {
    const pair = [textOf(key.publicKey), textOf(other)].sort().join("");
    const known = this.#shared.get(pair);
    if (known !== undefined) return known.slice();
    const secret = key.agree(other);
    if (secret !== undefined) this.#shared.set(pair, secret.slice());
    return secret;
  }
}

function remember<Answer>(answers: Map<string, Answer>, question: string, ask: () => Answer): Answer {
  const known = answers.get(question);
  if (known !== undefined || answers.has(question)) return known as Answer;
  const answer = ask();
  answers.set(question, answer);
  return answer;
}
