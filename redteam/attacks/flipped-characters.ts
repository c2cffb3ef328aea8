/** 1: every character of a sealed envelope is changed, one at a time: the form, the seal or the signature must notice, whichever is the first that can. */
import { decodeUtf8, encodeEnvelope, encodeUtf8 } from "@hikyaku/protocol";
import { asRises, malformed, rejected, said } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const flippedCharacters: Attack = { name: "every character of every field changed", run };

interface Field {
  readonly name: string;
  readonly start: number;
  readonly text: string;
}

interface Forgery {
  readonly body: Uint8Array<ArrayBuffer>;
  /** The counter that must rise. */
  readonly guard: string;
  readonly what: string;
}

/** So that the number has two digits, and changing one leads ahead by a little or by much. */
const heldBack = 10;

async function run(scene: Scene): Promise<Outcome> {
  for (let at = 0; at < heldBack; at += 1) scene.session.letter("never sent");
  const { id, envelope } = scene.session.letter("the one that is tampered with");
  const genuine = encodeEnvelope(envelope);
  const forgeries = forge(decodeUtf8(genuine) ?? "", envelope.sequenceNum - heldBack);
  const answers = await scene.crowd.postAll(
    scene.target.port,
    forgeries.map(({ body }) => body),
  );
  for (const [at, { guard, what }] of forgeries.entries()) {
    const answer = answers[at];
    scene.expect(`the answer to ${what}`, answer && said(answer), guard === "MALFORMED_MESSAGE" ? malformed : rejected);
  }
  const delivered = await scene.session.deliver(genuine);
  scene.expect(
    "the genuine one behind them",
    delivered.replies.map(({ body }) => body),
    [{ ids: [id], stage: "stored" }],
  );
  return {
    seen: `${forgeries.length} forgeries refused, the genuine one delivered behind them`,
    rises: { ...asRises(forgeries.map(({ guard }) => guard)), "received.message": 1, "message.stored": 1 },
    delivered: [id],
    peersMayDiffer: true,
  };
}

function forge(text: string, nextNumber: number): readonly Forgery[] {
  const fields = [...text.matchAll(/"(\w+)":("[^"]*"|\d+|true)/g)].map(([whole, name = "", value = ""]): Field => {
    const quote = value.startsWith('"') ? 1 : 0;
    const start = text.indexOf(whole) + whole.length - value.length + quote;
    return { name, start, text: value.slice(quote, value.length - quote) };
  });
  const forgeries: Forgery[] = [];
  const add = (at: number, letter: string): void => {
    if (letter === text[at]) return;
    const field = fields.find(({ start, text: value }) => at >= start && at < start + value.length);
    const value = field === undefined ? "" : replaced(field.text, at - field.start, letter);
    const guard = field === undefined ? "MALFORMED_MESSAGE" : guardOf(field, value, nextNumber);
    forgeries.push({
      body: encodeUtf8(replaced(text, at, letter)),
      guard,
      what: `${field?.name ?? "punctuation or a key"}: ${value.slice(0, 80)}`,
    });
  };
  for (const at of Array.from(text, (_, index) => index)) {
    for (const letter of new Set([neighbour(text[at] ?? ""), "~", "\u00e9"])) add(at, letter);
  }
  const number = fields.find(({ name }) => name === "sequence_num");
  for (let at = number?.start ?? 0; at < (number?.start ?? 0) + (number?.text.length ?? 0); at += 1) {
    for (const digit of "0123456789") if (digit !== neighbour(text[at] ?? "")) add(at, digit);
  }
  const unsealed = text.replace('"encrypted":true', '"encrypted":false');
  return [...forgeries, { body: encodeUtf8(unsealed), guard: "ENCRYPTION_REQUIRED", what: "encrypted: false" }];
}

const replaced = (text: string, at: number, letter: string): string => text.slice(0, at) + letter + text.slice(at + 1);

/** The next letter of the same kind, so that the form stays right wherever it can. */
function neighbour(letter: string): string {
  for (const kind of ["0123456789", "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "+/"]) {
    const at = kind.indexOf(letter);
    if (at >= 0) return kind[(at + 1) % kind.length] ?? "";
  }
  return letter === "=" ? "A" : letter;
}

/** What the spec says of each field once it was changed (ENV-4 for the form, ORD-1 for who notices), written down here without asking the code under test. */
function guardOf({ name, text: before }: Field, value: string, nextNumber: number): string {
  if (!isInForm(name, value)) return "MALFORMED_MESSAGE";
  switch (name) {
    case "version":
      return "INVALID_VERSION";
    case "recipient_id":
      return "UNKNOWN_RECIPIENT";
    case "sender_id":
    case "session_id":
      return "NO_SESSION";
    case "timestamp":
      return Math.abs(Date.parse(value) - Date.parse(before)) > 300_000 ? "CLOCK_SKEW" : "DECRYPTION_FAILED";
    case "sequence_num":
      return guardOfNumber(Number(value), nextNumber);
    case "signature":
      return "INVALID_SIGNATURE";
    default:
      return "DECRYPTION_FAILED";
  }
}

/** MSG-5, MSG-7: a number used before, or far ahead, is a matter of the signature. */
function guardOfNumber(number: number, nextNumber: number): string {
  if (number - nextNumber >= 1024) return "SEQUENCE_ERROR";
  return number < nextNumber || number - nextNumber > 32 ? "INVALID_SIGNATURE" : "DECRYPTION_FAILED";
}

function isInForm(name: string, value: string): boolean {
  if (name === "timestamp") return !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value;
  if (name === "data") return Buffer.from(value, "base64").toString("base64") === value;
  return forms[name]?.test(value) ?? false;
}

const id = /^[!#-[\]-~]{1,128}$/;
const forms: Readonly<Record<string, RegExp>> = {
  version: /^\d{1,3}\.\d{1,3}$/,
  msg_type: /^[a-z0-9_]{1,32}$/,
  sender_id: id,
  recipient_id: id,
  session_id: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  sequence_num: /^(?:0|[1-9]\d*)$/,
  nonce: /^[0-9a-f]{64}$/,
  signature: /^[0-9a-f]{128}$/,
};
