/** 9: versions and suites are stripped or bent, in offers to the node and in answers to its own; and version 0.3 is asked for. No weaker byte may leave. */
import { decodeUtf8, type Envelope, encodeEnvelope, encodeUtf8, protocolVersions, suites } from "@hikyaku/protocol";
import { asRises, malformed, refusal, said } from "../answers.ts";
import { type Callee, replyWith, withFields } from "../callee.ts";
import { type Fields, parsed } from "../canonical.ts";
import type { Reply } from "../ear.ts";
import { dice, everyAbility, readEnvelope } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const strippedOffers: Attack = { name: 'suites stripped, "0.3 only" offered', run };

async function run(scene: Scene): Promise<Outcome> {
  const callees = await Promise.all(cases.map(() => scene.callee()));
  await scene.rebase();
  const guards = await offerLess(scene);
  for (const [at, callee] of callees.entries()) {
    const { what, answer, code } = cases[at] ?? choosing("nothing", {});
    scene.expect(`the call answered by ${what}`, await callee.isCalled((m1) => answer(callee, m1)), code);
    scene.expect(`what left after ${what}`, new Set(callee.ear.heard.map(strengthOf)), new Set([wholeOffer]));
  }
  // The person is told of exactly those who chose less than they could, for nobody else can have signed it.
  const { peers } = (await scene.target.ask("GET", "/peers")) as { readonly peers: readonly PeerAlarm[] };
  const alarmed = peers.filter(({ alarm }) => alarm?.code === "DOWNGRADE_REFUSED").map(({ did }) => did);
  const downgraders = callees.filter((_, at) => cases[at]?.code === "DOWNGRADE_REFUSED").map(({ puppet }) => puppet.did);
  scene.expect("whom the owner is warned of", alarmed.toSorted(), downgraders.toSorted());
  const counted = cases.filter(({ isCounted }) => isCounted).map(() => "HANDSHAKE_FAILED");
  return {
    seen: `${guards.length} weak offers and ${cases.length} weak answers refused, only whole offers left`,
    rises: { ...asRises([...guards, ...counted]), "alarm.DOWNGRADE_REFUSED": downgraders.length },
    peersMayDiffer: true,
  };
}

interface PeerAlarm {
  readonly did: string;
  readonly alarm?: { readonly code: string };
}

const change =
  (to: Fields) =>
  (fields: Fields): Fields => ({ ...fields, ...to });

/** To the node. */
async function offerLess({ target, puppet, crowd, expect }: Scene): Promise<readonly string[]> {
  const { m1 } = puppet.offer(target.did);
  const strip = (to: Fields): Uint8Array<ArrayBuffer> => withFields(puppet, m1, change(to), { nonce: dice(32) });
  const onTheWay = (to: Fields): Uint8Array<ArrayBuffer> => encodeEnvelope({ ...readEnvelope(strip(to)), signature: m1.signature });
  const noVersion = `400 {"error":{"code":"INVALID_VERSION","versions":${JSON.stringify(protocolVersions)}}}`;
  const offers = [
    {
      what: "versions stripped on the way",
      frame: onTheWay({ versions: ["1.0"] }),
      answer: refusal("INVALID_SIGNATURE"),
      guard: "INVALID_SIGNATURE",
    },
    {
      what: "suites exchanged on the way",
      frame: onTheWay({ suites: ["NULL"] }),
      answer: refusal("INVALID_SIGNATURE"),
      guard: "INVALID_SIGNATURE",
    },
    { what: "0.3 only", frame: strip({ versions: ["0.3"] }), answer: noVersion, guard: "INVALID_VERSION" },
    { what: "0.3 as the envelope's version", frame: puppet.resign(m1, { version: "0.3" }), answer: noVersion, guard: "INVALID_VERSION" },
    { what: "no version", frame: strip({ versions: [] }), answer: malformed, guard: "MALFORMED_MESSAGE" },
    { what: "weakest version first", frame: strip({ versions: ["1.0", "1.2"] }), answer: malformed, guard: "MALFORMED_MESSAGE" },
    { what: "no suite", frame: strip({ suites: [] }), answer: malformed, guard: "MALFORMED_MESSAGE" },
    { what: "a weak suite", frame: strip({ suites: ["NULL"] }), answer: refusal("HANDSHAKE_FAILED"), guard: "HANDSHAKE_FAILED" },
    { what: "a message of version 0.3", frame: encodeUtf8(legacy(puppet.did)), answer: malformed, guard: "MALFORMED_MESSAGE" },
  ];
  const answers = await crowd.postAll(
    target.port,
    offers.map(({ frame }) => frame),
  );
  for (const [at, { what, answer }] of offers.entries()) expect(`the answer to ${what}`, answers.slice(at, at + 1).map(said), [answer]);
  return offers.map(({ guard }) => guard);
}

const legacy = (sender: string): string =>
  `{"version":"0.3","msg_type":"heartbeat","sender_id":"${sender}","payload":{},"timestamp":"${new Date().toISOString()}","nonce":"${"0".repeat(32)}"}`;

interface Case {
  readonly what: string;
  readonly answer: (callee: Callee, m1: Envelope) => Reply;
  /** What the one who sent the letter is told. */
  readonly code: string;
  /** Whether the node counts a refusal: an answer on the transport is only a hint. */
  readonly isCounted: boolean;
}

/** From the node. A peer that says its true lists and chooses less; one that chooses what nobody offered; one that wants to talk 0.3. */
const cases: readonly Case[] = [
  {
    // All else in it is sound, the proof of its keys included: only the rule for the choice can notice.
    what: "version 1.0",
    answer: (callee, m1) => replyWith(callee.answerTo(m1, { abilities: { ...everyAbility, versions: admittingOnly("1.0") } })),
    code: "DOWNGRADE_REFUSED",
    isCounted: true,
  },
  choosing("version 0.3", { version: "0.3", versions: ["0.3"] }),
  choosing("a suite that was not offered", { suite: "NULL", suites: ["NULL"] }),
  {
    what: "an answer to an offer whose versions were stripped",
    answer: (callee, m1) =>
      replyWith(callee.answerTo(m1, { heard: readEnvelope(withFields(callee.puppet, m1, change({ versions: ["1.0"] }))) })),
    code: "HANDSHAKE_FAILED",
    isCounted: true,
  },
  {
    what: "a refusal that knows 0.3 only",
    answer: () => ({ status: 400, text: '{"error":{"code":"INVALID_VERSION","versions":["0.3"]}}' }),
    code: "INVALID_VERSION",
    isCounted: false,
  },
  {
    what: "the answer of version 0.3",
    answer: () => ({ status: 200, text: '{"status":"received","entity_id":"desk","verification":"passed"}' }),
    code: "MALFORMED_MESSAGE",
    isCounted: false,
  },
];

/** Says every version and has only one. */
const admittingOnly = (version: string): typeof everyAbility.versions =>
  Object.assign([...protocolVersions], { includes: (offered: string) => offered === version });

function choosing(what: string, to: Fields): Case {
  return {
    what,
    answer: (callee, m1) => replyWith(withFields(callee.puppet, callee.answerTo(m1), change(to))),
    code: "DOWNGRADE_REFUSED",
    isCounted: true,
  };
}

const wholeOffer = JSON.stringify({ msgType: "handshake", version: "1.0", versions: protocolVersions, suites, says: false });

/** What a frame that left would let the other side do. */
function strengthOf(frame: Uint8Array<ArrayBuffer>): string {
  const { msgType, version, payload } = readEnvelope(frame);
  const { versions, suites: offered } = parsed(payload.data);
  return JSON.stringify({ msgType, version, versions, suites: offered, says: decodeUtf8(frame)?.includes("nobody else") });
}
