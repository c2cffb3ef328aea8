/** 12: sealed messages whose tag was cut short, signed again by their sender: a library that takes short tags would open the ones of an empty text. */
import { encodeUtf8 } from "@hikyaku/protocol";
import { asRises, countOf, rejected, said } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const shortTags: Attack = { name: "tags of 0 to 15 bytes", run };

const tagBytes = 16;

async function run({ target, puppet, session, crowd, expect }: Scene): Promise<Outcome> {
  const texts = ["", "x", JSON.stringify({ n: 1 })].map(encodeUtf8);
  const frames = texts.flatMap((text) => {
    const envelope = session.seal("ping", text);
    const { data } = envelope.payload;
    return Array.from({ length: tagBytes }, (_, left) =>
      puppet.resign(envelope, { payload: { encrypted: true, data: data.slice(0, data.length - tagBytes + left) } }),
    );
  });
  const answers = await crowd.postAll(target.port, frames);
  expect("the answers", countOf(answers.map(said)), { [rejected]: frames.length });
  return {
    seen: `${frames.length} cut messages refused, also with good signatures`,
    rises: asRises(frames.map(() => "DECRYPTION_FAILED")),
  };
}
