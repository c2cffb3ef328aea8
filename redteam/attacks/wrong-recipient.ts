/** 4: what A sealed for B is delivered to C, as it is and with its recipient edited, by a stranger on the wire and by A itself. */
import { encodeEnvelope } from "@hikyaku/protocol";
import { asRises, refusal, rejected, said } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const wrongRecipient: Attack = { name: "A's message for B delivered to C", run };

async function run(scene: Scene): Promise<Outcome> {
  const { target: c, puppet, crowd, session } = scene;
  const b = await scene.otherTarget();
  const toB = await puppet.connect(b);
  // Past every number that C has seen, so that no window speaks before the seal does.
  for (let at = 0; at < 5; at += 1) toB.letter("never sent");
  const { envelope } = toB.letter("for B only");
  const edited = { ...envelope, recipientId: c.did };
  const moved = { ...edited, sessionId: session.id };
  const { m1 } = puppet.offer(b.did);
  const cases = [
    { frame: encodeEnvelope(envelope), guard: "UNKNOWN_RECIPIENT" },
    { frame: encodeEnvelope(edited), guard: "NO_SESSION" },
    { frame: encodeEnvelope(moved), guard: "DECRYPTION_FAILED" },
    { frame: puppet.resign(envelope, { recipientId: c.did }), guard: "NO_SESSION" },
    { frame: puppet.resign(envelope, { recipientId: c.did, sessionId: session.id }), guard: "DECRYPTION_FAILED" },
    { frame: encodeEnvelope(m1), guard: "UNKNOWN_RECIPIENT" },
    { frame: encodeEnvelope({ ...m1, recipientId: c.did }), guard: "INVALID_SIGNATURE" },
  ] as const;
  const answers = await crowd.postAll(
    c.port,
    cases.map(({ frame }) => frame),
  );
  for (const [at, { guard }] of cases.entries())
    scene.expect(`case ${at + 1}`, answers.slice(at, at + 1).map(said), [guard === "INVALID_SIGNATURE" ? refusal(guard) : rejected]);
  const { answer } = await toB.deliver(encodeEnvelope(envelope));
  scene.expect("B itself takes it", answer.status, 200);
  return { seen: `${cases.length} ways to C refused, B took it`, rises: asRises(cases.map(({ guard }) => guard)) };
}
