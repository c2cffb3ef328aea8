/** 2: one genuine envelope, a thousand times again, from many places at once and before its first copy was answered. */
import { encodeEnvelope } from "@hikyaku/protocol";
import { countOf, said } from "../answers.ts";
import { repliesIn } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const resent: Attack = { name: "one message sent again 1 000 times", run };

const copies = 1000;

async function run(scene: Scene): Promise<Outcome> {
  const { id, envelope } = scene.session.letter("once is enough");
  const frame = encodeEnvelope(envelope);
  const answers = await scene.crowd.postAll(scene.target.port, Array<typeof frame>(copies + 1).fill(frame));
  const withReplies = answers.filter((answer) => repliesIn(answer).length > 0);
  const receipts = withReplies.flatMap((answer) => repliesIn(answer).map((reply) => scene.puppet.open(reply).body));
  scene.expect("the one receipt", receipts, [{ ids: [id], stage: "stored" }]);
  const duplicate = `200 {"status":"received","entity_id":"${scene.target.did}","replies":[]}`;
  scene.expect("the answers to copies", countOf(answers.filter((answer) => !withReplies.includes(answer)).map(said)), {
    [duplicate]: copies,
  });
  return {
    seen: `${copies + 1} copies, 1 delivery`,
    rises: { "received.message": 1, "message.stored": 1, "refused.REPLAY_DETECTED": copies },
    delivered: [id],
    peersMayDiffer: true,
  };
}
