/**
 * The crypto of one simulated node: a real implementation, with three people looking over its shoulder. Whatever an honest node signed is remembered, so that verifying it is
 * a look-up while anything else is really verified; no key may seal two plaintexts under one IV (I6); and whoever derives the secrets of a session is remembered with
 * its transcript, on which both ends must agree (I4).
 */
import { type Bytes, type Crypto, isSameBytes, type SigningKey, type VerifyingKey } from "@hikyaku/protocol";
import { Violation } from "./violation.ts";

interface Signed {
  readonly publicKey: Bytes;
  readonly message: Bytes;
}

interface Sealed {
  /** Additional data and plaintext. */
  readonly content: string;
  readonly sealed: Bytes;
  readonly plaintext: Bytes;
}

interface Derivation {
  readonly secret: string;
  readonly nodes: string[];
}

const textOf = (bytes: Bytes): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** What no seed changes is computed once in a process. */
export class CryptoMemory {
  readonly base: Crypto;
  readonly #signing = new Map<string, SigningKey>();
  readonly #verifying = new Map<string, VerifyingKey | undefined>();
  readonly #torsion = new Map<string, boolean>();
  readonly #verdicts = new Map<string, boolean>();

  constructor(base: Crypto) {
    this.base = base;
  }

  signingKey(seed: Bytes): SigningKey {
    return remember(this.#signing, textOf(seed), () => this.base.signingKey(seed));
  }

  verifyingKey(publicKey: Bytes): VerifyingKey | undefined {
    return remember(this.#verifying, textOf(publicKey), () => this.base.verifyingKey(publicKey));
  }

  isTorsionFree(publicKey: Bytes): boolean {
    return remember(this.#torsion, textOf(publicKey), () => this.base.isTorsionFree(publicKey));
  }

  /** Short messages are those of self-tests, which every start asks anew. */
  verify(key: VerifyingKey, message: Bytes, signature: Bytes): boolean {
    if (message.length > selfTestBytesMax) return key.verify(message, signature);
    const question = `${textOf(key.publicKey)}${textOf(signature)}${textOf(message)}`;
    return remember(this.#verdicts, question, () => key.verify(message, signature));
  }
}

const selfTestBytesMax = 160;
const answersMax = 4096;

function remember<Answer>(answers: Map<string, Answer>, question: string, ask: () => Answer): Answer {
  const known = answers.get(question);
  if (known !== undefined || answers.has(question)) return known as Answer;
  const answer = ask();
  if (answers.size >= answersMax) answers.clear();
  answers.set(question, answer);
  return answer;
}

export class CryptoWatch {
  readonly #memory: CryptoMemory;
  readonly #signed = new Map<string, Signed>();
  readonly #sealed = new Map<string, Sealed>();
  /** What one end of a session derived and the other has not yet. */
  readonly #derived = new Map<string, Bytes>();
  readonly #shared = new Map<string, Bytes>();
  readonly #derivations = new Map<string, Derivation>();
  readonly #report: (violation: Violation) => void;

  constructor(memory: CryptoMemory, report: (violation: Violation) => void) {
    this.#memory = memory;
    this.#report = report;
  }

  /** I4: whoever accepted M3 shares the whole transcript, and so ids, session, version and suite, with exactly one other. */
  get sessionsAgreed(): number {
    let agreed = 0;
    for (const { nodes } of this.#derivations.values()) if (nodes.length === 2) agreed += 1;
    return agreed;
  }

  of(node: string): Crypto {
    const memory = this.#memory;
    const { base } = memory;
    return {
      ...base,
      signingKey: (seed) => this.#signer(memory.signingKey(seed)),
      verifyingKey: (publicKey) => this.#verifier(memory.verifyingKey(publicKey)),
      isTorsionFree: (publicKey) => memory.isTorsionFree(publicKey),
      seal: (sealing, plaintext) => {
        const sealed = base.seal(sealing, plaintext);
        this.#noteSealing(node, textOf(sealing.key) + textOf(sealing.iv), {
          content: contentOf(sealing.aad, plaintext),
          sealed,
          plaintext: plaintext.slice(),
        });
        return sealed;
      },
      open: (sealing, sealed) => {
        const known = this.#sealed.get(textOf(sealing.key) + textOf(sealing.iv));
        const isKnown =
          known !== undefined && isSameBytes(known.sealed, sealed) && known.content === contentOf(sealing.aad, known.plaintext);
        return isKnown ? known.plaintext.slice() : base.open(sealing, sealed);
      },
      expand: (secret, info, length) => {
        if (isExporterInfo(info)) this.#noteSession(node, textOf(info.subarray(exporterContextAt)), textOf(secret));
        return this.#expand(secret, info, length);
      },
      agreementKey: (privateKey) => {
        const key = base.agreementKey(privateKey);
        let isErased = false;
        const erase = (): void => {
          isErased = true;
          key.erase();
        };
        return { publicKey: key.publicKey, agree: (other) => (isErased ? key.agree(other) : this.#agree(key, other)), erase };
      },
    };
  }

  /** Both ends derive the same keys, so each is derived twice. */
  #expand(secret: Bytes, info: Bytes, length: number): Bytes {
    const question = textOf(secret) + textOf(info);
    const known = this.#derived.get(question);
    if (known?.length === length) {
      this.#derived.delete(question);
      return known;
    }
    const output = this.#memory.base.expand(secret, info, length);
    this.#derived.set(question, output.slice());
    return output;
  }

  #agree(key: ReturnType<Crypto["agreementKey"]>, other: Bytes): Bytes | undefined {
    const pair = [textOf(key.publicKey), textOf(other)].sort().join("");
    const known = this.#shared.get(pair);
    if (known !== undefined) return known.slice();
    const secret = key.agree(other);
    if (secret !== undefined) this.#shared.set(pair, secret.slice());
    return secret;
  }

  #signer(key: SigningKey): SigningKey {
    const { publicKey } = key;
    return {
      publicKey,
      sign: (message) => {
        const signature = key.sign(message);
        this.#signed.set(textOf(signature), { publicKey, message: message.slice() });
        return signature;
      },
    };
  }

  #verifier(key: VerifyingKey | undefined): VerifyingKey | undefined {
    if (key === undefined) return undefined;
    const verify: VerifyingKey["verify"] = (message, signature) => {
      const signed = this.#signed.get(textOf(signature));
      const isKnown = signed !== undefined && isSameBytes(signed.publicKey, key.publicKey) && isSameBytes(signed.message, message);
      return isKnown || this.#memory.verify(key, message, signature);
    };
    return { publicKey: key.publicKey, verify };
  }

  #noteSealing(node: string, keyAndIv: string, made: Sealed): void {
    const before = this.#sealed.get(keyAndIv);
    if (before === undefined) this.#sealed.set(keyAndIv, made);
    else if (before.content !== made.content && !isSelfTest(made.content))
      this.#report(new Violation("I6", `${node} sealed two plaintexts under one key and IV`));
  }

  #noteSession(node: string, transcript: string, secret: string): void {
    const held = this.#derivations.get(transcript);
    if (held === undefined) {
      this.#derivations.set(transcript, { secret, nodes: [node] });
      return;
    }
    held.nodes.push(node);
    const isPair = held.nodes.length === 2 && held.nodes[0] !== node && held.secret === secret;
    if (!isPair) this.#report(new Violation("I4", `${held.nodes.join(" and ")} derived a session from one transcript, and not alike`));
  }
}

/** XL(MS, "exp", th3, 32): u16be(32) ‖ u8(8) "pcp1 exp" ‖ u8(32) th3. */
const exporterContextAt = 12;
const exporterHead = Uint8Array.of(0, 32, 8, ...Buffer.from("pcp1 exp"), 32);
const isExporterInfo = (info: Bytes): boolean =>
  info.length === exporterContextAt + 32 && exporterHead.every((byte, index) => info[index] === byte);

/** Known answers are sealed by every start, under keys that everybody knows. */
const isSelfTest = (content: string): boolean => !content.startsWith("pcp/1 aad");

const contentOf = (aad: Bytes, plaintext: Bytes): string => `${textOf(aad)}|${textOf(plaintext)}`;
