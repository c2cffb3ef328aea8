/** 11: identities of small order, for which anybody can sign, and one with a small part mixed in. The node welcomes strangers here; their signatures do verify. */
import { type Bytes, type Envelope, encodeDid, encodeEnvelope, encodeHex, encodeUtf8 } from "@hikyaku/protocol";
import { asRises, refusal, said } from "../answers.ts";
import { edited } from "../canonical.ts";
import { forgeSignature, mixedKey } from "../edwards.ts";
import { dice } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import { smallOrderKeys } from "../small-order.ts";
import type { Attack, Outcome } from "../trial.ts";

export const smallOrderIdentities: Attack = { name: "identities of small or mixed order", flags: ["--first-contact", "see"], run };

const triesMax = 1000;

async function run(scene: Scene): Promise<Outcome> {
  const { target, crowd } = scene;
  const scalar = 0x123456789abcdef0n;
  const mixed = mixedKey(scalar);
  const offers = [...smallOrderKeys.map((key) => forgeOffer(scene, key)), forgeOffer(scene, mixed, scalar)];
  const answers = await crowd.postAll(target.port, offers.map(encodeEnvelope));
  for (const [at, answer] of answers.entries()) scene.expect(`identity ${at + 1}`, said(answer), refusal("INVALID_SIGNATURE"));
  // A person who is talked into pinning one is told.
  for (const [at, key] of smallOrderKeys.entries()) {
    const told = await target.trust(encodeDid(key), `small${at}`).then(
      () => "pinned",
      (error: unknown) => (error instanceof Error ? error.message : ""),
    );
    scene.expect(`identity ${at + 1} as a peer to pin`, told, "INVALID_ARGUMENT");
  }
  return {
    seen: `${offers.length} identities refused though their signatures verify`,
    rises: asRises(offers.map(() => "INVALID_SIGNATURE")),
  };
}

/** A first message under that key, with a signature that plain verification takes. */
function forgeOffer({ target, puppet }: Scene, key: Bytes, scalar?: bigint): Envelope {
  const { m1 } = puppet.offer(target.did);
  const data = edited(m1.payload.data, (fields) => ({ ...fields, pubkey: encodeHex(key) }));
  const offer: Envelope = { ...m1, senderId: encodeDid(key), payload: { encrypted: false, data } };
  for (let tried = 0; tried < triesMax; tried += 1) {
    const rolled = { ...offer, nonce: dice(32) };
    const signature = forgeSignature(signedBytes(rolled), key, scalar);
    if (signature !== undefined) return { ...rolled, signature };
  }
  throw new Error("no signature was found");
}

/** SIG-1: what is signed is the label and the canonical envelope without its signature. */
function signedBytes(envelope: Envelope): Bytes {
  const { signature: _, ...rest } = JSON.parse(
    new TextDecoder().decode(encodeEnvelope({ ...envelope, signature: new Uint8Array(64) })),
  ) as { readonly signature: string };
  return encodeUtf8(`pcp/1 sig envelope\0${JSON.stringify(rest)}`);
}
