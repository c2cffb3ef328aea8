/** 8: somebody in the middle puts in shares of its own and signs again, with its own key or in its own name, on either side of a handshake. */
import { type Bytes, type Envelope, encodeEnvelope, encodeHex, pureCrypto } from "@hikyaku/protocol";
import { asRises, refusal, said } from "../answers.ts";
import { type Callee, replyWith, withFields } from "../callee.ts";
import type { Fields } from "../canonical.ts";
import { dice, onlyReply, type Puppet, readEnvelope } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const swappedShares: Attack = { name: "shares swapped and signed again", run };

const swapShare = (fields: Fields): Fields => ({
  ...fields,
  shares: { x25519: encodeHex(pureCrypto.agreementKey(dice(32)).publicKey) },
});

const swapTo =
  (puppet: Puppet) =>
  (fields: Fields): Fields => ({ ...swapShare(fields), pubkey: encodeHex(puppet.identity.publicKey) });

async function run(scene: Scene): Promise<Outcome> {
  const mallory = await scene.newcomer();
  const answers = answersOf(mallory);
  const callees = await Promise.all(answers.map(() => scene.callee()));
  await scene.rebase();
  const atResponder = await attackResponder(scene, mallory);
  for (const [at, { what, answer }] of answers.entries()) {
    const callee = callees[at];
    const code = await callee?.isCalled((m1) => replyWith(answer(callee, m1)));
    scene.expect(`the call answered by ${what}`, code, "HANDSHAKE_FAILED");
    scene.expect(`what left after ${what}`, callee?.heardTypes(), ["handshake"]);
  }
  return {
    seen: `${atResponder.length} ways in and ${answers.length} ways out, no session`,
    rises: asRises([...atResponder, ...answers.map(() => "HANDSHAKE_FAILED")]),
  };
}

/** The node is asked. */
async function attackResponder(scene: Scene, mallory: Puppet): Promise<readonly string[]> {
  const { target, puppet, crowd } = scene;
  const { m1 } = puppet.offer(target.did);
  const swapped = readEnvelope(withFields(puppet, m1, swapShare));
  const cases = [
    { what: "the share alone", frame: encodeEnvelope({ ...swapped, signature: m1.signature }), guard: "INVALID_SIGNATURE" },
    { what: "the share, signed by another key", frame: withFields(mallory, m1, swapShare), guard: "INVALID_SIGNATURE" },
    { what: "share, key and signature, under the old name", frame: withFields(mallory, m1, swapTo(mallory)), guard: "HANDSHAKE_FAILED" },
  ];
  const answers = await crowd.postAll(
    target.port,
    cases.map(({ frame }) => frame),
  );
  for (const [at, { what, guard }] of cases.entries()) scene.expect(what, answers.slice(at, at + 1).map(said), [refusal(guard)]);
  await claimShare(scene, mallory, m1);
  return [...cases.map(({ guard }) => guard), "HANDSHAKE_FAILED"];
}

/** Mallory offers somebody else's share under its own name: it is answered, and has no key to confirm with. */
async function claimShare({ target, expect }: Scene, mallory: Puppet, m1: Envelope): Promise<void> {
  const offer = withFields(mallory, m1, (fields) => ({ ...fields, pubkey: encodeHex(mallory.identity.publicKey) }), {
    senderId: mallory.did,
  });
  const m2 = readEnvelope(onlyReply(await mallory.post(target, offer)));
  const guessed = { encrypted: true, data: dice(200) };
  const header = { msgType: "handshake_confirm", senderId: mallory.did, recipientId: target.did, sequenceNum: 1, nonce: dice(32) };
  const m3 = mallory.resign(m2, { ...header, payload: guessed });
  expect("the confirmation of a share that is not one's own", said(await mallory.post(target, m3)), refusal("HANDSHAKE_FAILED"));
}

interface Case {
  readonly what: string;
  readonly answer: (callee: Callee, m1: Envelope) => Envelope | Bytes;
}

/** The node asks. */
const answersOf = (mallory: Puppet): readonly Case[] => [
  { what: "a swapped share, signed by another key", answer: (callee, m1) => withFields(mallory, callee.answerTo(m1), swapShare) },
  { what: "a swapped share, signed by the peer itself", answer: (callee, m1) => withFields(callee.puppet, callee.answerTo(m1), swapShare) },
  { what: "another key and its signature", answer: (callee, m1) => withFields(mallory, callee.answerTo(m1), swapTo(mallory)) },
  {
    what: "another name",
    answer: (callee, m1) => withFields(mallory, callee.answerTo(m1), swapTo(mallory), { senderId: mallory.did }),
  },
  {
    what: "an answer to an offer with another share",
    answer: (callee, m1) => callee.answerTo(m1, { heard: readEnvelope(withFields(mallory, m1, swapShare)) }),
  },
];
