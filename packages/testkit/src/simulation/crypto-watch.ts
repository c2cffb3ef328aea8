/**
 * Looks over the shoulder of every node's crypto: no key may seal two plaintexts under one IV (I6); and whoever derives the secrets of a session is remembered with its
 * transcript, on which both ends must agree (I4). No program goes on with a chain key of the one that ran there before it (I15, LIFE-4).
 */
import type { Bytes, Crypto } from "@hikyaku/protocol";
import { digestTextOf } from "./digest.ts";
import { Violation } from "./violation.ts";

interface Derivation {
  readonly secret: string;
  readonly nodes: string[];
}

export class CryptoWatch {
  readonly #base: Crypto;
  /** What was sealed under each pair of key and IV. */
  readonly #sealed = new Map<string, string>();
  readonly #derivations = new Map<string, Derivation>();
  /** In which run of its program each node last derived a chain key, by node. */
  readonly #chainKeys = new Map<string, Map<string, number>>();
  readonly #report: (violation: Violation) => void;

  constructor(base: Crypto, report: (violation: Violation) => void) {
    this.#base = base;
    this.#report = report;
  }

  /** I4: whoever accepted M3 shares the whole transcript, and so ids, session, version and suite, with exactly one other. */
  get sessionsAgreed(): number {
    let agreed = 0;
    for (const { nodes } of this.#derivations.values()) if (nodes.length === 2) agreed += 1;
    return agreed;
  }

  /** The crypto of one run of a node's program. */
  of(node: string, run: number): Crypto {
    const base = this.#base;
    return {
      name: base.name,
      sha256: (data) => base.sha256(data),
      sha512: (data) => base.sha512(data),
      hmacSha256: (key, data) => base.hmacSha256(key, data),
      signingKey: (seed) => base.signingKey(seed),
      verifyingKey: (publicKey) => base.verifyingKey(publicKey),
      isTorsionFree: (publicKey) => base.isTorsionFree(publicKey),
      agreementKey: (privateKey) => base.agreementKey(privateKey),
      seal: (sealing, plaintext) => {
        if (!isSelfTest(sealing.aad)) this.#noteSealing(node, digestTextOf(sealing.key, sealing.iv), digestTextOf(sealing.aad, plaintext));
        return base.seal(sealing, plaintext);
      },
      open: (sealing, sealed) => base.open(sealing, sealed),
      expand: (secret, info, length) => {
        if (isExporterInfo(info)) this.#noteSession(node, digestTextOf(info), digestTextOf(secret));
        const output = base.expand(secret, info, length);
        if (isChainInfo(info)) this.#noteStep(node, run, { before: digestTextOf(secret), after: digestTextOf(output) });
        return output;
      },
    };
  }

  #noteSealing(node: string, keyAndIv: string, content: string): void {
    const before = this.#sealed.get(keyAndIv);
    if (before === undefined) this.#sealed.set(keyAndIv, content);
    else if (before !== content) this.#report(new Violation("I6", `${node} sealed two plaintexts under one key and IV`));
  }

  #noteStep(node: string, run: number, { before, after }: { readonly before: string; readonly after: string }): void {
    const derived = this.#chainKeys.get(node) ?? new Map<string, number>();
    this.#chainKeys.set(node, derived);
    const derivedIn = derived.get(before) ?? run;
    if (derivedIn < run) this.#report(new Violation("I15", `${node} goes on with a chain key of its run ${derivedIn} in its run ${run}`));
    derived.set(after, run);
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

/** XL(ck, "ck", "", 32): u16be(32) ‖ u8(7) "pcp1 ck" ‖ u8(0). */
const chainInfo = Uint8Array.of(0, 32, 7, ...Buffer.from("pcp1 ck"), 0);
const isChainInfo = (info: Bytes): boolean => info.length === chainInfo.length && beginsWith(info, chainInfo);

/** XL(MS, "exp", th3, 32): u16be(32) ‖ u8(8) "pcp1 exp" ‖ u8(32) th3. */
const exporterHead = Uint8Array.of(0, 32, 8, ...Buffer.from("pcp1 exp"), 32);
const isExporterInfo = (info: Bytes): boolean => info.length === exporterHead.length + 32 && beginsWith(info, exporterHead);

/** Known answers are sealed by every start, under keys that everybody knows. */
const aadHead = Uint8Array.from(Buffer.from("pcp/1 aad"));
const isSelfTest = (aad: Bytes): boolean => !beginsWith(aad, aadHead);

function beginsWith(bytes: Bytes, head: Bytes): boolean {
  for (let index = 0; index < head.length; index += 1) if (bytes[index] !== head[index]) return false;
  return true;
}
