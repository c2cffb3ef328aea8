/**
 * P6: how many handshakes one core answers in a second, from the bytes of M1 to the bytes of the responder's first sealed message. The initiator's
 * share of the work is done in between and not counted. Both identities are known, so their keys are imported already. Counted in processor time, which is
 * what "per core" means.
 */
import {
  acceptConfirm,
  answerOffer,
  type Bytes,
  confirmAnswer,
  createIdentity,
  decodeEnvelope,
  encodeEnvelope,
  encodeUtf8,
  establishSession,
  freshNonces,
  type HalfOpen,
  makeOffer,
  newSessionId,
  type PendingOffer,
  protocolVersions,
  readOffer,
  seal,
  suites,
} from "@hikyaku/protocol";
import { nodeCrypto as crypto } from "../../packages/hikyaku/src/crypto/node-crypto.ts";
import { nodeRandom } from "../../packages/hikyaku/src/crypto/node-random.ts";
import type { Floors } from "../floor/floors.ts";
import { atLeast } from "../goal.ts";
import { medianOf, processorTime } from "../measure.ts";
import type { Row } from "../row.ts";

/** About as many as a round has time for. */
const handshakesPerRoundMs = 0.5;

export const row: Row = {
  id: "P6",
  name: "handshakes answered, one core",
  unit: "handshakes/s",
  goal: atLeast(0.55),
  async run(floors, effort) {
    const count = Math.ceil(effort.roundMs * handshakesPerRoundMs);
    const handshakeUs = await medianOf(effort, () => answerMany(count));
    return { value: 1e6 / handshakeUs, floor: 1e6 / floorUs(floors), peers: [] };
  },
};

/** A key, an agreement and the import of both shares; M2 and the first message are signed, M1 and M3 verified. */
const floorUs = ({ generateUs, agreeUs, importUs, signUs, verifyUs }: Floors): number =>
  generateUs + agreeUs + 2 * importUs + 2 * signUs + 2 * verifyUs;

const dice = (): Bytes => nodeRandom.bytes(32);
const nonces = freshNonces(crypto, (length) => nodeRandom.bytes(length));
const alice = createIdentity(crypto, dice());
const bob = createIdentity(crypto, dice());
const [aliceKey, bobKey] = [known(crypto.verifyingKey(alice.publicKey)), known(crypto.verifyingKey(bob.publicKey))];
const abilities = { versions: protocolVersions, suites, features: [] };
const minVersion = "1.0";
const ready = encodeUtf8('{"ready":true}');

/** Processor microseconds of the responder for each of so many handshakes. */
function answerMany(count: number): number {
  const now = Date.now();
  const pending = Array.from({ length: count }, () => offer(now));
  const offers = pending.map(({ m1 }) => encodeEnvelope(m1));
  const answered = timed(() => offers.map((frame) => answer(frame, now)));
  const confirms = answered.value.map(({ frame }, at) => confirm(known(pending[at]), frame, now));
  const accepted = timed(() => confirms.map((frame, at) => accept(known(answered.value[at]).half, frame, now)));
  return (answered.us + accepted.us) / count;
}

function timed<Value>(work: () => Value): { readonly value: Value; readonly us: number } {
  const spent = processorTime();
  const value = work();
  return { value, us: spent() };
}

function offer(now: number): PendingOffer {
  const chance = { sessionId: newSessionId(nodeRandom.bytes(16)), challenge: dice(), ephemeral: dice(), nonce: dice() };
  return makeOffer(crypto, alice, { recipientId: bob.did, abilities }, chance, now);
}

function answer(frame: Bytes, now: number): { readonly half: HalfOpen; readonly frame: Bytes } {
  const read = agreed(readOffer(crypto, known(decodeEnvelope(frame)), aliceKey, now));
  const chance = { challenge: dice(), ephemeral: dice(), nonce: dice() };
  const half = agreed(answerOffer(crypto, bob, read, { abilities, minVersion }, chance, now));
  return { half, frame: encodeEnvelope(half.m2) };
}

function confirm(offered: PendingOffer, frame: Bytes, now: number): Bytes {
  const settings = { peerKey: bobKey, minVersion, nonces, now } as const;
  return encodeEnvelope(agreed(confirmAnswer(crypto, alice, offered, known(decodeEnvelope(frame)), settings)).m3);
}

/** The responder is established with M3 and says that it is ready. */
function accept(half: HalfOpen, frame: Bytes, now: number): Bytes {
  const { agreement } = agreed(acceptConfirm(crypto, half, known(decodeEnvelope(frame)), aliceKey));
  const message = { msgType: "status_report", plaintext: ready } as const;
  return encodeEnvelope(seal(crypto, bob, establishSession(agreement, now), message, { nonces, now, elapsed: now }).envelope);
}

function agreed<Outcome extends { readonly kind: string }>(outcome: Outcome): Exclude<Outcome, { readonly kind: "refused" }> {
  if (outcome.kind === "refused") throw new Error("a handshake of the bench was refused");
  return outcome as Exclude<Outcome, { readonly kind: "refused" }>;
}

function known<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("something that the bench made itself is not there");
  return value;
}
