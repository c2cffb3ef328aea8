/** 10: shares whose X25519 result is zero, so that anybody knows the secret. The attacker goes on as if it were agreed: without the guard it would be in. */
import { type Bytes, type Crypto, encodeEnvelope, pureCrypto } from "@hikyaku/protocol";
import { asRises, refusal, said } from "../answers.ts";
import { replyWith } from "../callee.ts";
import { repliesIn } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import { zeroShares } from "../small-order.ts";
import type { Attack, Outcome } from "../trial.ts";

export const zeroSharesOffered: Attack = { name: "X25519 keys with a zero result", run };

/** A crypto that says `share` is its key, and that zero was agreed. */
const zeroCrypto = (share: Bytes): Crypto => ({
  ...pureCrypto,
  agreementKey: () => ({ publicKey: share, agree: () => new Uint8Array(32), erase: () => undefined }),
});

async function run(scene: Scene): Promise<Outcome> {
  const { target } = scene;
  const callees = await Promise.all(zeroShares.map(() => scene.callee()));
  await scene.rebase();
  for (const [at, share] of zeroShares.entries()) {
    const callee = callees[at];
    if (callee === undefined) continue;
    const { puppet } = callee;
    const crypto = zeroCrypto(share);
    const pending = puppet.offer(target.did, { crypto });
    const answer = await puppet.post(target, encodeEnvelope(pending.m1));
    scene.expect(`share ${at + 1} in an offer`, said(answer), refusal("HANDSHAKE_FAILED"));
    const [m2] = repliesIn(answer);
    if (m2 !== undefined) await puppet.finish(target, pending, m2, crypto);
    const code = await callee.isCalled((m1) => replyWith(callee.answerTo(m1, { crypto })));
    scene.expect(`share ${at + 1} in an answer`, code, "HANDSHAKE_FAILED");
    scene.expect(`what left after share ${at + 1}`, callee.heardTypes(), ["handshake"]);
  }
  return {
    seen: `${zeroShares.length} shares refused, in offers and in answers`,
    rises: asRises(zeroShares.flatMap(() => ["HANDSHAKE_FAILED", "HANDSHAKE_FAILED"])),
  };
}
