/**
 * Every start of a program takes the self-test, and a simulated world starts many. What the self-test asks is told by the very keys that it asks about; its answers come
 * from the real implementation, once, and then from memory. All else goes to the crypto of the world.
 */
import { type AgreementKey, type Bytes, type Crypto, type SigningKey, selfTest, type VerifyingKey } from "@hikyaku/protocol";

/** Answers questions of the self-test by `real`, and any other by `crypto`. */
export type Answering = (crypto: Crypto) => Crypto;

export function answeringSelfTests(real: Crypto): Answering {
  const asked = new WeakSet<Bytes>();
  selfTest(choosing(real, real, (key) => asked.add(key).has(key)));
  const remembered = remembering(real);
  return (crypto) => choosing(remembered, crypto, (key) => asked.has(key));
}

/** By the first value of each question: the text to hash, or the key. */
function choosing(real: Crypto, other: Crypto, isOfSelfTest: (key: Bytes) => boolean): Crypto {
  const of = (key: Bytes): Crypto => (isOfSelfTest(key) ? real : other);
  return {
    name: other.name,
    sha256: (data) => of(data).sha256(data),
    sha512: (data) => of(data).sha512(data),
    hmacSha256: (key, data) => of(key).hmacSha256(key, data),
    expand: (secret, info, length) => of(secret).expand(secret, info, length),
    seal: (sealing, plaintext) => of(sealing.key).seal(sealing, plaintext),
    open: (sealing, sealed) => of(sealing.key).open(sealing, sealed),
    signingKey: (seed) => of(seed).signingKey(seed),
    verifyingKey: (publicKey) => of(publicKey).verifyingKey(publicKey),
    isTorsionFree: (publicKey) => of(publicKey).isTorsionFree(publicKey),
    agreementKey: (privateKey) => of(privateKey).agreementKey(privateKey),
  };
}

/** What costs more than looking it up. */
function remembering(crypto: Crypto): Crypto {
  const agreeing = remember((privateKey: Bytes) => rememberingAgreement(crypto.agreementKey(privateKey)));
  return {
    ...crypto,
    signingKey: remember((seed: Bytes) => rememberingSigner(crypto.signingKey(seed))),
    verifyingKey: remember((publicKey: Bytes) => rememberingVerifier(crypto.verifyingKey(publicKey))),
    isTorsionFree: remember((publicKey: Bytes) => crypto.isTorsionFree(publicKey)),
    agreementKey: (privateKey) => agreeing(privateKey)(),
  };
}

const rememberingSigner = (key: SigningKey): SigningKey => ({ publicKey: key.publicKey, sign: remember((message) => key.sign(message)) });

const rememberingVerifier = (key: VerifyingKey | undefined): VerifyingKey | undefined =>
  key === undefined ? undefined : { publicKey: key.publicKey, verify: remember((message, signature) => key.verify(message, signature)) };

/** The self-test erases its key and sees that it then refuses: the next one is given a key that is whole. */
function rememberingAgreement(key: AgreementKey): () => AgreementKey {
  const agree = remember((other: Bytes) => key.agree(other));
  return () => {
    let isErased = false;
    return {
      publicKey: key.publicKey,
      agree: (other) => {
        if (isErased) throw new Error("this agreement key was erased");
        return agree(other);
      },
      erase: () => {
        isErased = true;
      },
    };
  };
}

function remember<Question extends readonly Bytes[], Answer>(ask: (...question: Question) => Answer): (...question: Question) => Answer {
  const answers = new Map<string, Answer>();
  return (...question) => {
    const text = question.map(textOf).join("|");
    const known = answers.get(text);
    if (known !== undefined || answers.has(text)) return known as Answer;
    const answer = ask(...question);
    answers.set(text, answer);
    return answer;
  };
}

const textOf = (bytes: Bytes): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
