/** 18: receipts for messages that never existed or went to another peer, forged ones, and backwards ones: no message of the node's owner moves for them. */
import { encodeEnvelope, encodeUtf8, newMessageId } from "@hikyaku/protocol";
import { asRises, rejected, said } from "../answers.ts";
import { dice } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";
import { Wire } from "../wire.ts";

export const forgedReceipts: Attack = { name: "receipts forged, backwards, and for messages of others", run };

const stages = ["stored", "delivered", "handled", "refused"] as const;
const idsMax = 1024;

async function run(scene: Scene): Promise<Outcome> {
  const { target, expect } = scene;
  const victim = await scene.callee();
  const attacker = await scene.newcomer();
  using wire = await Wire.connect(attacker, target);
  const letter = { to: victim.puppet.did, body: { text: "for the victim" } };
  const { id, stage } = (await target.ask("POST", "/messages", letter)) as { readonly id: string; readonly stage: string };
  expect("the letter to the victim waits", stage, "queued");
  await scene.rebase();

  const bodies = [
    ...stages.map((one) => ({ ids: [id], stage: one, reason: "UNAUTHORIZED" })),
    ...stages.map((one) => ({ ids: Array.from({ length: idsMax }, newId), stage: one })),
  ];
  const broken = [
    {},
    { ids: [], stage: "stored" },
    { ids: Array.from({ length: idsMax + 1 }, newId), stage: "stored" },
    { ids: [id], stage: "queued" },
    { ids: [id], stage: "expired" },
    { ids: ["__proto__"], stage: "handled" },
    { ids: [id, "x"], stage: "handled" },
    { ids: { 0: id, length: 1 }, stage: "handled" },
  ];
  for (const body of bodies) wire.say("receipt", encodeUtf8(JSON.stringify(body)));
  for (const body of broken) wire.say("receipt", encodeUtf8(JSON.stringify(body)));
  await wire.settled();
  expect("sealed errors", wire.heard.filter(({ type }) => type === "error").length, broken.length);

  // The victim's name under the attacker's signature, and the attacker's session under the victim's name.
  const forged = wire.session.seal("receipt", encodeUtf8(JSON.stringify(bodies[2])));
  const answer = await attacker.post(target, encodeEnvelope({ ...forged, senderId: victim.puppet.did }));
  expect("the receipt in the victim's name", said(answer), rejected);
  const backwards = await wordsOnOurs(scene, wire, attacker.did);

  const found = (await target.ask("GET", `/messages/${id}`)) as Explained;
  expect("the letter to the victim", found.stage, "queued");
  expect(
    "what is told of it",
    found.events.map(({ kind }) => kind).filter((kind) => kind !== "queued" && kind !== "failed"),
    [],
  );
  expect("dead letters", await target.ask("GET", "/dead"), { messages: [] });
  const taken = bodies.length + backwards;
  return {
    seen: `${taken + broken.length + 1} receipts, none of which moved a letter that was not the attacker's own`,
    rises: {
      ...asRises([...broken.map(() => "INVALID_PAYLOAD"), "NO_SESSION"]),
      "received.receipt": taken,
      "received.capability_query": 2,
    },
    peersMayDiffer: true,
  };
}

interface Explained {
  readonly stage: string;
  readonly events: readonly { readonly kind: string }[];
}

const newId = (): string => newMessageId(Date.now(), dice(10));

/** A letter to the attacker itself: it may say how far that has come, once and upwards. How many receipts that took. */
async function wordsOnOurs({ target, expect }: Scene, wire: Wire, did: string): Promise<number> {
  const sending = target.ask("POST", "/messages", { to: did, body: { text: "for the attacker" }, until: "handled" });
  const [letter] = await wire.until(({ type }) => type === "message");
  if (letter === undefined) throw new Error("the letter did not come");
  const { id } = letter.body as { readonly id: string };
  for (const stage of ["handled", "stored", "refused", "delivered"]) wire.say("receipt", encodeUtf8(JSON.stringify({ ids: [id], stage })));
  expect("the letter to the attacker", ((await sending) as { readonly stage: string }).stage, "handled");
  await wire.settled();
  expect("the same letter afterwards", ((await target.ask("GET", `/messages/${id}`)) as Explained).stage, "handled");
  return 4;
}
