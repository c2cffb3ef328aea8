/** 13: texts that hurt parsers, in place of envelopes, inside handshake payloads, and sealed by a genuine peer: refused at once, and nothing inherits from them. */
import { type Bytes, concatBytes, decodeUtf8, type Envelope, encodeEnvelope, encodeUtf8, limits } from "@hikyaku/protocol";
import { asRises, malformed, said } from "../answers.ts";
import { canonical, parsed } from "../canonical.ts";
import { dice } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";

export const jsonBombs: Attack = { name: "JSON bombs, __proto__, surrogates", run };

const rounds = 5;
const answerMsMax = 50;
const room = limits.envelopeBytesMax;
/** What still fits into the base64 of a handshake message. */
const payloadRoom = 6000;

async function run(scene: Scene): Promise<Outcome> {
  const { target, crowd, expect } = scene;
  const texts = [...envelopeBombs(scene), ...payloadBombs(scene)];
  const slowest = { ms: 0, what: "" };
  for (const { what, body } of texts) {
    const answers = await crowd.postInTurn(target.port, Array<Bytes>(rounds).fill(body));
    expect(`the answers to ${what}`, [...new Set(answers.map(said))], [malformed]);
    // What else a busy machine does only adds, so the quickest answer tells most about the node's own work.
    const ms = Math.min(...answers.map((answer) => answer.ms));
    expect(`${what} is answered within ${answerMsMax} ms`, ms <= answerMsMax ? "yes" : `${ms} ms`, "yes");
    if (ms > slowest.ms) Object.assign(slowest, { ms, what });
  }
  const bodies = await sendBodies(scene);
  return {
    seen: `${texts.length} texts refused, the slowest (${slowest.what}) in ${slowest.ms.toFixed(1)} ms; ${bodies} sealed ones refused under seal`,
    rises: {
      ...asRises([...Array<string>(texts.length * rounds).fill("MALFORMED_MESSAGE"), ...Array<string>(bodies).fill("INVALID_PAYLOAD")]),
    },
    peersMayDiffer: true,
  };
}

interface Bomb {
  readonly what: string;
  readonly body: Bytes;
}

function envelopeBombs({ session }: Scene): readonly Bomb[] {
  const { envelope } = session.letter("never sent");
  const text = decodeUtf8(encodeEnvelope(envelope)) ?? "";
  const inside = (what: string, from: string | RegExp, to: string): Bomb => ({ what, body: encodeUtf8(text.replace(from, () => to)) });
  const sender = `"sender_id":"${envelope.senderId}"`;
  return [
    ...deepTexts(room).map(({ what, text: deep }) => ({ what, body: encodeUtf8(deep) })),
    { what: "a wide list", body: encodeUtf8(`[${"{},".repeat(room / 3 - 10)}{}]`) },
    { what: "many keys", body: encodeUtf8(`{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":0`).join()}}`) },
    { what: "a long number", body: encodeUtf8("9".repeat(room)) },
    { what: "a long text of escapes", body: encodeUtf8(`"${"\\u0000".repeat(room / 6 - 2)}"`) },
    { what: "nothing but white space", body: encodeUtf8(" ".repeat(room)) },
    { what: "a key __proto__ more", body: encodeUtf8(`{"__proto__":{"admin":true},${text.slice(1)}`) },
    inside("__proto__ in place of a key", '"sender_id"', '"__proto__"'),
    inside("__proto__ in place of the payload", /"payload":\{[^}]*\}/, '"payload":{"__proto__":{},"encrypted":true}'),
    inside("constructor in place of a key", '"nonce"', '"constructor"'),
    inside("one key twice", sender, `${sender},${sender}`),
    inside("a surrogate alone", sender, '"sender_id":"\\ud800"'),
    inside("surrogates in the wrong order", sender, '"sender_id":"\\udc00\\ud800"'),
    inside("an escape for a plain letter", '"sender_id":"d', '"sender_id":"\\u0064'),
    inside("a NUL", sender, '"sender_id":"\\u0000"'),
    inside("a list for a text", sender, `"sender_id":["${envelope.senderId}"]`),
    ...brokenUtf8(text, sender),
    { what: "white space behind", body: encodeUtf8(`${text}\n`) },
    { what: "a byte order mark", body: encodeUtf8(`\ufeff${text}`) },
    { what: "another alphabet", body: new Uint8Array(Buffer.from(text, "utf16le")) },
    ...["null", "true", "0", '""', "[]", "{}", "NaN"].map((word) => ({ what: word, body: encodeUtf8(word) })),
  ];
}

/** Nesting of every kind, open and closed, as long as `length` allows. */
function deepTexts(length: number): readonly { readonly what: string; readonly text: string }[] {
  return [
    { what: "open brackets", text: "[".repeat(length) },
    { what: "brackets", text: "[".repeat(length / 2) + "]".repeat(length / 2) },
    { what: "objects", text: `${'{"a":'.repeat(Math.floor(length / 6) - 1)}0${"}".repeat(Math.floor(length / 6) - 1)}` },
    { what: "brackets behind a quoted quote", text: `["\\"",${"[".repeat(length - 10)}` },
    { what: "closing brackets", text: "]".repeat(length) },
  ];
}

/** Bytes that are no UTF-8: a surrogate written out, a lone 0xff, a long way to write a slash. */
function brokenUtf8(text: string, sender: string): readonly Bomb[] {
  const [before = "", after = ""] = text.split(sender);
  return [[0xed, 0xa0, 0x80], [0xff], [0xc0, 0xaf]].map((bytes) => ({
    what: `the bytes ${bytes.map((byte) => byte.toString(16)).join(" ")}`,
    body: concatBytes(encodeUtf8(`${before}"sender_id":"`), Uint8Array.from(bytes), encodeUtf8(`"${after}`)),
  }));
}

/** Inside an offer that is genuine in all else, signature included. */
function payloadBombs({ target, puppet }: Scene): readonly Bomb[] {
  const { m1 } = puppet.offer(target.did);
  const fields = parsed(m1.payload.data);
  const text = canonical(fields);
  const payload = (what: string, data: string): Bomb => ({ what: `an offer of ${what}`, body: offerOf(m1, data) });
  const offerOf = (offer: Envelope, data: string): Bytes =>
    puppet.resign(offer, { nonce: dice(32), payload: { encrypted: false, data: encodeUtf8(data) } });
  return [
    ...deepTexts(payloadRoom).map((deep) => payload(deep.what, deep.text)),
    payload("deep features", canonical({ ...fields, features: JSON.parse("[".repeat(2000) + "]".repeat(2000)) as unknown })),
    payload("a key __proto__ more", `{"__proto__":{"pubkey":"00"},${text.slice(1)}`),
    payload("__proto__ in place of the shares", text.replace('"shares"', '"__proto__"')),
    payload("constructor in place of the suites", text.replace('"suites"', '"constructor"')),
    payload("a surrogate alone", text.replace('"type":"pcp-hs1"', '"type":"\\ud800"')),
    payload("many versions", canonical({ ...fields, versions: Array.from({ length: 500 }, (_, at) => `${999 - at}.0`) })),
    payload("one key twice", text.replace('"type":"pcp-hs1"', '"type":"pcp-hs1","type":"pcp-hs1"')),
    payload("nothing", ""),
  ];
}

/** By a peer that may speak: how many of its bodies were refused. */
async function sendBodies({ session, expect }: Scene): Promise<number> {
  const { id, envelope } = session.letter("never sent");
  const nested = (depth: number): string =>
    `{"id":"${id}","json":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)},"sent_at":${envelope.timestamp}}`;
  const bodies = [
    nested(limits.bodyDepthMax + 1),
    nested(1000),
    nested(60_000),
    ...deepTexts(100_000).map(({ text }) => text),
    `{"__proto__":{"id":"${id}","sent_at":${envelope.timestamp},"text":"inherited"}}`,
    `{"id":"${id}","sent_at":1e400,"text":"x"}`,
    `{"id":"__proto__","sent_at":${envelope.timestamp},"text":"x"}`,
    `{"constructor":{"prototype":{"text":"x"}},"id":"${id}","sent_at":${envelope.timestamp}}`,
  ];
  for (const [at, body] of bodies.entries()) {
    const frame = session.seal("message", encodeUtf8(body));
    const beganAt = performance.now();
    const { replies } = await session.deliver(encodeEnvelope(frame));
    expect(
      `the sealed answer to body ${at + 1}`,
      replies.map(({ type, body: told }) => [type, (told as { readonly code?: string }).code]),
      [["error", "INVALID_PAYLOAD"]],
    );
    const ms = performance.now() - beganAt;
    expect(`body ${at + 1} is answered within a second`, ms <= 1000 ? "yes" : `${ms} ms`, "yes");
  }
  return bodies.length;
}
