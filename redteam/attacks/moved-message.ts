/** 5: a sealed message is moved to another session of the same two peers, or turned round into the other direction; also with a signature that is good. */
import { encodeEnvelope } from "@hikyaku/protocol";
import { asRises, countOf, rejected, said } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const movedMessage: Attack = { name: "a message moved to another session or direction", run };

async function run(scene: Scene): Promise<Outcome> {
  const { target, puppet, crowd, session } = scene;
  const other = await puppet.connect(target);
  // The first is kept back, so that the node's answer to the second has a number that it has not seen from us.
  const kept = other.letter("kept back");
  const second = other.letter("answered");
  const { replies } = await other.deliver(encodeEnvelope(second.envelope));
  const receipt = replies[0]?.envelope;
  if (receipt === undefined) throw new Error("no receipt came");
  scene.expect("the receipt's number is the one kept back", receipt.sequenceNum, kept.envelope.sequenceNum);
  for (let at = 0; at < 5; at += 1) session.letter("never sent");
  const { envelope } = session.letter("of the first session");
  await scene.rebase();

  const moved = { sessionId: other.id };
  const turned = { senderId: puppet.did, recipientId: target.did };
  const frames = [
    encodeEnvelope({ ...envelope, ...moved }),
    puppet.resign(envelope, moved),
    encodeEnvelope({ ...receipt, ...turned }),
    puppet.resign(receipt, turned),
    puppet.resign(receipt, { ...turned, sessionId: session.id, sequenceNum: envelope.sequenceNum }),
  ];
  const answers = await crowd.postAll(target.port, frames);
  scene.expect("the answers", countOf(answers.map(said)), { [rejected]: frames.length });
  const late = await other.deliver(encodeEnvelope(kept.envelope));
  scene.expect(
    "the one kept back is still taken",
    late.replies.map(({ body }) => body),
    [{ ids: [kept.id], stage: "stored" }],
  );
  return {
    seen: `${frames.length} moved messages refused, both sessions go on`,
    rises: { ...asRises(frames.map(() => "DECRYPTION_FAILED")), "received.message": 1, "message.stored": 1 },
    delivered: [kept.id],
    peersMayDiffer: true,
  };
}
