/** 6: the node gets its own messages back, as they are, turned to itself, or with the two ends exchanged: M1, M2, READY and a receipt. */
import { type Envelope, encodeEnvelope } from "@hikyaku/protocol";
import { asRises, countOf, refusal, rejected, said } from "../answers.ts";
import { replyWith } from "../callee.ts";
import { onlyReply, readEnvelope } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const reflected: Attack = { name: "M1, M2 and data reflected", run };

async function run(scene: Scene): Promise<Outcome> {
  const { target, puppet, crowd, session } = scene;
  const callee = await scene.callee();
  const pending = puppet.offer(target.did);
  await scene.rebase();

  const reflect = async (what: string, envelope: Envelope): Promise<void> => {
    const frames = mirrored(envelope).map(encodeEnvelope);
    const answers = await crowd.postAll(target.port, frames);
    const wanted = [rejected, rejected, ...(envelope.msgType.startsWith("handshake") ? [refusal("HANDSHAKE_FAILED")] : [])];
    scene.expect(`the answers to ${what}`, countOf(answers.map(said)), countOf(wanted));
  };
  const code = await callee.isCalled(async (m1) => {
    await reflect("M1", m1);
    return replyWith(m1);
  });
  scene.expect("the call that got its own M1 as an answer", code, "HANDSHAKE_FAILED");
  scene.expect("the frames that left for it", callee.heardTypes(), ["handshake"]);
  const m2 = onlyReply(await puppet.post(target, encodeEnvelope(pending.m1)));
  await reflect("M2", readEnvelope(m2));
  await puppet.finish(target, pending, m2);
  const { envelope } = session.letter("hello");
  const { replies } = await session.deliver(encodeEnvelope(envelope));
  const ready = puppet.recorded.findLast(({ frame }) => readEnvelope(frame).msgType === "status_report");
  if (ready === undefined || replies[0] === undefined) throw new Error("no READY or no receipt came");
  await reflect("READY", readEnvelope(ready.frame));
  await reflect("a receipt", replies[0].envelope);

  const handshake = ["UNKNOWN_RECIPIENT", "REFLECTED", "HANDSHAKE_FAILED"];
  const data = ["UNKNOWN_RECIPIENT", "REFLECTED"];
  // The last one is the M1 that came back on the node's own connection.
  const guards = [...handshake, ...handshake, ...data, ...data, "UNKNOWN_RECIPIENT"];
  const [before, after] = [scene.before.inbox, (await target.inbox()).map(({ id }) => id)];
  return {
    seen: `${guards.length} reflections refused`,
    rises: { ...asRises(guards), "session.established": 1, "received.message": 1, "message.stored": 1 },
    delivered: after.filter((id) => !before.includes(id)).slice(0, 1),
    peersMayDiffer: true,
  };
}

/** Data with its ends exchanged is attack 5. */
function mirrored(envelope: Envelope): readonly Envelope[] {
  const { senderId, recipientId, msgType } = envelope;
  const toItself = { ...envelope, recipientId: senderId };
  const exchanged = { ...envelope, senderId: recipientId, recipientId: senderId };
  return [envelope, toItself, ...(msgType.startsWith("handshake") ? [exchanged] : [])];
}
