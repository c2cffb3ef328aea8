/** 14: numbers at and beyond every edge, in envelopes whose signature is good; twice, because a window that moved would answer otherwise the second time. */
import { type Bytes, decodeUtf8, encodeEnvelope, encodeUtf8 } from "@hikyaku/protocol";
import { asRises, malformed, rejected, said } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const sequenceExtremes: Attack = { name: "sequence numbers at every extreme", run };

const jumpMax = 1024;
const windowSize = 1024;

const noNumbers = [
  "-1",
  "-0",
  "01",
  "+1",
  "1.0",
  "1.5",
  "2e0",
  "1e400",
  "0x2",
  '"2"',
  "null",
  "true",
  "[2]",
  "{}",
  "9007199254740992",
  "9".repeat(400),
];

async function run(scene: Scene): Promise<Outcome> {
  const first = await attackWindow(scene);
  const again = await attackWindow(scene);
  scene.expect("the second round", again, first);
  const delivered = await leaveBehind(scene);
  return {
    seen: `${first.length + again.length} numbers refused, the window where it was; then a genuine one that fell out of it`,
    rises: { ...asRises([...first, ...again, "SEQUENCE_ERROR"]), "received.message": 2, "message.stored": 2 },
    delivered,
    peersMayDiffer: true,
  };
}

interface Verdict {
  readonly guard: string;
  /** That of a duplicate unless told. */
  readonly answer?: string;
}

interface Case extends Verdict {
  readonly frame: Bytes;
}

/** The guards in order. */
async function attackWindow({ target, puppet, session, crowd, expect }: Scene): Promise<readonly string[]> {
  const { envelope } = session.letter("never sent");
  // Nothing but the first twin has been taken.
  const highest = 2;
  const numbered = (sequenceNum: number): Case => ({
    frame: puppet.resign(envelope, { sequenceNum }),
    ...guardOf(sequenceNum, highest, true),
  });
  const unsigned = (sequenceNum: number): Case => ({
    frame: encodeEnvelope({ ...envelope, sequenceNum }),
    ...guardOf(sequenceNum, highest, false),
  });
  const near = [0, 1, highest, highest + jumpMax];
  const far = [highest + jumpMax + 1, 2 ** 16, 2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const cases = [...near, ...far].flatMap((number) => [numbered(number), unsigned(number)]);
  const text = decodeUtf8(encodeEnvelope(envelope)) ?? "";
  const broken = noNumbers.map((number) => ({
    frame: encodeUtf8(text.replace(/"sequence_num":\d+/, `"sequence_num":${number}`)),
    guard: "MALFORMED_MESSAGE",
    answer: malformed,
  }));
  const offer = puppet.offer(target.did).m1;
  const offers = [1, Number.MAX_SAFE_INTEGER].map((sequenceNum) => ({
    frame: puppet.resign(offer, { sequenceNum }),
    guard: "MALFORMED_MESSAGE",
    answer: malformed,
  }));
  const all = [...cases, ...broken, ...offers];
  const answers = await crowd.postAll(
    target.port,
    all.map(({ frame }) => frame),
  );
  const duplicate = `200 {"status":"received","entity_id":"${target.did}","replies":[]}`;
  for (const [at, { answer, guard }] of all.entries())
    expect(`the answer to case ${at + 1}, ${guard}`, answers.slice(at, at + 1).map(said), [answer ?? duplicate]);
  return all.map(({ guard }) => guard);
}

/** MSG-5: used numbers are a matter of the signature, far ones are refused whoever signed; within the window the seal decides. */
function guardOf(sequenceNum: number, highest: number, isSigned: boolean): Verdict {
  if (sequenceNum > highest + jumpMax) return { guard: "SEQUENCE_ERROR", answer: rejected };
  if (!isSigned) return { guard: "INVALID_SIGNATURE", answer: rejected };
  return sequenceNum <= highest ? { guard: "REPLAY_DETECTED" } : { guard: "DECRYPTION_FAILED", answer: rejected };
}

/** A genuine message that waited until the window had passed it is refused, too: it cannot be told from a replay. What was delivered instead. */
async function leaveBehind({ session, expect }: Scene): Promise<readonly string[]> {
  const kept = session.letter("kept back too long");
  const passed = kept.envelope.sequenceNum + windowSize;
  const delivered: string[] = [];
  for (const number of [passed - windowSize / 2, passed]) {
    let ahead = session.letter("ahead");
    while (ahead.envelope.sequenceNum < number) ahead = session.letter("ahead");
    const { replies } = await session.deliver(encodeEnvelope(ahead.envelope));
    expect(
      "the one ahead",
      replies.map(({ body }) => body),
      [{ ids: [ahead.id], stage: "stored" }],
    );
    delivered.push(ahead.id);
  }
  const { answer } = await session.deliver(encodeEnvelope(kept.envelope));
  expect("the one kept back", said(answer), rejected);
  return delivered;
}
