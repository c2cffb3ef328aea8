/**
 * A crypto implementation that answers a question it has been asked before from memory. Every function of the port is a function of its arguments
 * alone, so nothing but the time changes; it lets a hundred peers in one process pass their self-tests at the price of one.
 */
import { type Bytes, type Crypto, encodeHex, type SigningKey, type VerifyingKey } from "@hikyaku/protocol";

const questionsMax = 10_000;

export function rememberingCrypto(crypto: Crypto): Crypto {
  const signingKeys = remember((seed: Bytes) => rememberingSigner(crypto.signingKey(seed)));
  const verifyingKeys = remember((publicKey: Bytes) => rememberingVerifier(crypto.verifyingKey(publicKey)));
  const torsion = remember((publicKey: Bytes) => crypto.isTorsionFree(publicKey));
  const publicKeys = remember((privateKey: Bytes) => crypto.agreementKey(privateKey).publicKey);
  const secrets = remember((privateKey: Bytes, otherPublicKey: Bytes) => crypto.agreementKey(privateKey).agree(otherPublicKey));
  return {
    ...crypto,
    signingKey: signingKeys,
    verifyingKey: verifyingKeys,
    isTorsionFree: torsion,
    agreementKey: (privateKey) => {
      const own = privateKey.slice();
      let isErased = false;
      return {
        publicKey: publicKeys(own).slice(),
        agree: (otherPublicKey) => {
          if (isErased) throw new Error("this agreement key was erased");
          return secrets(own, otherPublicKey)?.slice();
        },
        erase: () => {
          isErased = true;
        },
      };
    },
  };
}

const rememberingSigner = (key: SigningKey): SigningKey => ({ publicKey: key.publicKey, sign: remember((message) => key.sign(message)) });

const rememberingVerifier = (key: VerifyingKey | undefined): VerifyingKey | undefined =>
  key === undefined ? undefined : { publicKey: key.publicKey, verify: remember((message, signature) => key.verify(message, signature)) };

function remember<Question extends readonly Bytes[], Answer>(ask: (...question: Question) => Answer): (...question: Question) => Answer {
  const answers = new Map<string, Answer>();
  return (...question) => {
    const key = question.map(encodeHex).join(" ");
    const known = answers.get(key);
    if (known !== undefined || answers.has(key)) return known as Answer;
    const answer = ask(...question);
    if (answers.size >= questionsMax) answers.clear();
    answers.set(key, answer);
    return answer;
  };
}
