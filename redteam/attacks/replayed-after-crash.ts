/** 3: the node dies by kill -9 and comes up again, and everything that was ever on the wire is sent to it once more. */
import { encodeEnvelope } from "@hikyaku/protocol";
import { asRises, countOf, refusal, rejected, said } from "../answers.ts";
import { letterBody, readEnvelope } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const replayedAfterCrash: Attack = { name: "kill -9, restart, everything recorded replayed", run };

const letters = 20;

async function run(scene: Scene): Promise<Outcome> {
  const { target, puppet, crowd } = scene;
  const lost = scene.session.letter("taken off the wire before it arrived");
  const sent = await sendLetters(scene);
  const inbox = (await target.inbox()).map(({ id }) => id);
  await target.kill();
  await target.up();
  await scene.rebase();
  scene.expect("the inbox after the crash", scene.before.inbox, inbox);

  const recorded = [...puppet.recorded, { frame: encodeEnvelope(lost.envelope), isOurs: true }];
  const [offer] = await crowd.postAll(target.port, [recorded[0]?.frame ?? new Uint8Array()]);
  scene.expect("an offer begins anew, with other keys", offer?.text.includes("handshake_ack"), true);
  const rest = recorded.slice(1);
  const answers = await crowd.postAll(
    target.port,
    rest.map(({ frame }) => frame),
  );
  const guards = rest.map(({ frame, isOurs }) => (isOurs ? guardOf(readEnvelope(frame).msgType) : "UNKNOWN_RECIPIENT"));
  const wanted = guards.map((guard) => (guard === "HANDSHAKE_FAILED" ? refusal(guard) : rejected));
  scene.expect("the answers", countOf(answers.map(said)), countOf(wanted));

  // The peer itself sends one letter again, sealed anew, because it never saw the receipt: BOX-2.
  scene.session = await puppet.connect(target);
  const [again = ""] = sent;
  const { replies } = await scene.session.deliver(encodeEnvelope(scene.session.seal("message", letterBody(again, "letter 0"))));
  scene.expect(
    "a letter sealed anew is receipted",
    replies.map(({ body }) => body),
    [{ ids: [again], stage: "stored" }],
  );
  return {
    seen: `${recorded.length} recorded frames replayed, and one letter sealed anew: nothing delivered`,
    rises: { ...asRises(guards), "session.established": 1, "received.message": 1, "message.duplicate": 1 },
    peersMayDiffer: true,
  };
}

/** LIFE-4: no session outlives the process, and the confirmation belongs to keys that are gone. */
const guardOf = (msgType: string): string => (msgType === "handshake_confirm" ? "HANDSHAKE_FAILED" : "NO_SESSION");

async function sendLetters({ session }: Scene): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let at = 0; at < letters; at += 1) {
    const { id, envelope } = session.letter(`letter ${at}`);
    await session.deliver(encodeEnvelope(envelope));
    ids.push(id);
  }
  return ids;
}
