import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bytes } from "../base/bytes.ts";
import { bodyBytesMax } from "../base/limits.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { type MessageType, messageTypes } from "../wire/message-types.ts";
import {
  type ApplicationType,
  type BodyByType,
  type DialogueType,
  decodeBody,
  encodeBody,
  isApplication,
  isDialogueType,
} from "./bodies.ts";

const id = "01890a5d-ac96-774b-bcce-b302099a8057";
const otherId = "01890a5d-ac96-774b-bcce-b302099a8058";
const fields = { id, sent_at: 1_769_904_000_000 };
const fullFields = {
  ...fields,
  exp: 1_769_904_100_000,
  reply_to: otherId,
  thread: id,
  traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
};

type Fields = Readonly<Record<string, unknown>>;

/** For every type a body with all its fields, and the names that may be left out. */
const samples: { readonly [Type in DialogueType]: { readonly body: BodyByType[Type] & Fields; readonly optional: readonly string[] } } = {
  message: { body: { ...fullFields, json: { deep: [1, "é", null] } }, optional: [] },
  ping: { body: { n: 7 }, optional: [] },
  pong: { body: { n: 0 }, optional: [] },
  heartbeat: { body: { seq: 2 ** 53 - 1 }, optional: [] },
  status_report: {
    body: { ...fullFields, state: "idle", detail: "waiting for work", addresses: ["http://192.0.2.1:7420"] },
    optional: ["state", "detail", "addresses"],
  },
  discovery: { body: { addresses: ["http://192.0.2.1:7420"] }, optional: [] },
  wake_up: { body: { ...fullFields, reason: "news" }, optional: ["reason"] },
  session_close: { body: { reason: "bye" }, optional: ["reason"] },
  capability_query: { body: { n: 1 }, optional: [] },
  capability_response: {
    body: {
      n: 1,
      capabilities: [{ name: "sum", version: "1", description: "adds" }],
      accepts: ["message"],
      features: ["chunk"],
      truncated: true,
      from: "did:key:a",
      to: "did:key:b",
      issued_at: 1,
      valid_until: 2,
      signature: "ab".repeat(64),
    },
    optional: ["truncated", "from", "to", "issued_at", "valid_until", "signature"],
  },
  receipt: { body: { ids: [id, otherId], stage: "refused", reason: "UNAUTHORIZED" }, optional: ["reason"] },
  receipt_query: { body: { ids: [id] }, optional: [] },
  error: { body: { code: "RATE_LIMITED", ref: "ab".repeat(32), retry_after: 3 }, optional: ["retry_after"] },
  task_delegate: {
    body: {
      ...fullFields,
      task_id: otherId,
      capability: "sum",
      input: [1, 2],
      priority: "high",
      deadline: 9,
      idempotency_key: "k",
      chain: { depth: 8, budget: 10_000 },
    },
    optional: ["priority", "deadline", "idempotency_key", "chain"],
  },
  task_update: {
    body: {
      ...fullFields,
      task_id: otherId,
      cursor: 3,
      at: 5,
      state: "working",
      progress: 0.5,
      detail: "half",
      code: "INTERRUPTED",
      output: { sum: 3 },
      artifact: { name: "a", content: null },
    },
    optional: ["progress", "detail", "code", "output", "artifact"],
  },
  task_query: { body: { ...fullFields, task_id: otherId, cursor: 3 }, optional: ["cursor"] },
  task_cancel: { body: { ...fullFields, task_id: otherId, reason: "enough" }, optional: ["reason"] },
  task_input: { body: { ...fullFields, task_id: otherId, cursor: 2, input: "yes" }, optional: [] },
};
const types = Object.keys(samples) as DialogueType[];
const optionalFields: ReadonlySet<string> = new Set(["exp", "reply_to", "thread", "traceparent"]);
const bytesOf = (value: unknown): Bytes => encodeUtf8(JSON.stringify(value));
const without = (body: Fields, name: string): Fields => Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));

test("every type that is JSON inside a session has a body here, and handshake messages and carriers have none [BODY-1]", () => {
  const expected = (Object.keys(messageTypes) as MessageType[]).filter((type) => isDialogueType(type));
  expect(types.toSorted()).toEqual(expected.toSorted());
  const others = (Object.keys(messageTypes) as MessageType[]).filter((type) => !isDialogueType(type));
  expect(others.toSorted()).toEqual([
    "bundle",
    "chunk",
    "group",
    "handshake",
    "handshake_ack",
    "handshake_confirm",
    "offline",
    "prekeys",
    "relay",
  ]);
});

describe.each(types)("the body of %s", (type) => {
  const { body, optional } = samples[type];

  test("comes back the same [BODY-1]", () => {
    expect(decodeBody(type, encodeBody(body))).toEqual(body);
  });

  test("has all its fields but the optional ones [BODY-1] [BODY-2]", () => {
    const mayMiss = Object.keys(body).filter((name) => decodeBody(type, bytesOf(without(body, name))) !== undefined);
    expect(mayMiss.toSorted()).toEqual(
      Object.keys(body)
        .filter((name) => optional.includes(name) || optionalFields.has(name))
        .toSorted(),
    );
  });

  test("loses the fields that we do not know, since a newer peer may send them [BODY-3]", () => {
    const text = JSON.stringify(body).replace(/^\{/, '{"from_the_future":{"a":1},"__proto__":{"polluted":1},');
    const decoded = decodeBody(type, encodeUtf8(text));
    // What a capability list says is signed as a whole: there they stay, and mean nothing.
    const kept = type === "capability_response" ? { ...body, from_the_future: { a: 1 } } : body;
    expect(decoded).toEqual(kept);
    expect(Object.keys(decoded ?? {}).toSorted()).toEqual(Object.keys(kept).toSorted());
    expect(({} as Fields)["polluted"]).toBeUndefined();
  });

  test.each([null, 7, "text", [], [{}], true, "", Number.NaN])("is not %j [BODY-1]", (hostile) => {
    expect(decodeBody(type, bytesOf(hostile))).toBeUndefined();
  });

  test("has no field of another kind [BODY-1]", () => {
    const anything = new Set(["json", "input", "output"]);
    for (const name of Object.keys(body).filter((key) => !anything.has(key))) {
      for (const wrong of [null, -1, 0.25, 2 ** 53, "\u0000", {}, [[]], true, ["x".repeat(300)]]) {
        const decoded = decodeBody(type, bytesOf({ ...body, [name]: wrong }));
        const isAllowed =
          (name === "progress" && wrong === 0.25) ||
          (name === "truncated" && wrong === true) ||
          (["detail", "reason", "state", "idempotency_key", "capability"].includes(name) && wrong === "\u0000");
        expect(isAllowed || decoded === undefined, `${name}: ${JSON.stringify(wrong)}`).toBe(true);
      }
    }
  });

  test("is refused as broken JSON, broken UTF-8 or above its depth [BODY-4] [ENV-3]", () => {
    const bytes = encodeBody(body);
    expect(decodeBody(type, bytes.slice(0, -1))).toBeUndefined();
    expect(decodeBody(type, bytes.with(bytes.length - 2, 0xff))).toBeUndefined();
    expect(decodeBody(type, encodeUtf8('{"a":'.repeat(50_000)))).toBeUndefined();
  });

  test("never throws, whatever bytes come, and what it accepts it accepts again [BODY-1]", () => {
    const bytes = encodeBody(body);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        const decoded = decodeBody(type, bytes.with(at, byte));
        expect(decoded === undefined ? undefined : decodeBody(type, encodeBody(decoded))).toEqual(decoded);
      }),
      { numRuns: 200 },
    );
  });
});

const applicationTypes: readonly ApplicationType[] = [
  ...(["message", "status_report", "wake_up", "task_delegate"] as const),
  ...(["task_update", "task_query", "task_cancel", "task_input"] as const),
];

test("the types with application fields are those that the table of types calls application [BODY-2]", () => {
  const expected = types.filter((type) => messageTypes[type].kind === "application");
  expect(applicationTypes.toSorted()).toEqual(expected.toSorted());
  for (const type of types) expect(isApplication(type, samples[type].body)).toBe(expected.includes(type));
});

test("READY is the one status report that is control: it carries no id [BODY-2]", () => {
  const ready = decodeBody("status_report", encodeBody<"status_report">({ ready: true }));
  expect(ready).toEqual({ ready: true });
  expect(isApplication("status_report", ready ?? {})).toBe(false);
  expect(decodeBody("status_report", bytesOf({ ...fields, ready: false }))).toBeUndefined();
  expect(decodeBody("status_report", bytesOf({ ...fields, ready: true }))).toEqual({ ready: true });
});

test.each<[string, Fields]>([
  ["without an id", without(fields, "id")],
  ["without a time", without(fields, "sent_at")],
  ["with a UUIDv4 as id", { ...fields, id: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f" }],
  ["with an uppercase id", { ...fields, id: id.toUpperCase() }],
  ["with a time before 1970", { ...fields, sent_at: -1 }],
  ["with half a millisecond", { ...fields, sent_at: 0.5 }],
  ["with a time as text", { ...fields, sent_at: "2026-02-01T00:00:00.000Z" }],
  ["with an expiry that is null", { ...fields, exp: null }],
  ["that answers no id", { ...fields, reply_to: "x" }],
  ["in a thread without an id", { ...fields, thread: "" }],
  ["with an uppercase traceparent", { ...fields, traceparent: `00-${"A".repeat(32)}-${"b".repeat(16)}-01` }],
  ["with a traceparent that goes on", { ...fields, traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01-x` }],
])("an application body %s is refused [BODY-2]", (_, wrong) => {
  expect(decodeBody("message", bytesOf({ ...fields, text: "hi" }))).toEqual({ ...fields, text: "hi" });
  expect(decodeBody("message", bytesOf({ ...wrong, text: "hi" }))).toBeUndefined();
});

test.each<[DialogueType, string, Fields]>([
  ["message", "both text and JSON", { ...fields, text: "a", json: 1 }],
  ["message", "neither text nor JSON", fields],
  ["message", "text above 64 Ki letters", { ...fields, text: "a".repeat(64 * 1024 + 1) }],
  ["receipt", "no id", { ids: [], stage: "stored" }],
  ["receipt", "1 025 ids", { ids: Array.from({ length: 1025 }, () => id), stage: "stored" }],
  ["receipt", "an unknown stage", { ids: [id], stage: "lost" }],
  ["receipt", "an inherited name as stage", { ids: [id], stage: "toString" }],
  ["error", "a code in lowercase", { code: "rejected", ref: "ab".repeat(32) }],
  ["error", "a reference of 31 bytes", { code: "REJECTED", ref: "ab".repeat(31) }],
  ["discovery", "nine addresses", { addresses: Array.from({ length: 9 }, () => "http://a:1") }],
  ["discovery", "an address of 257 letters", { addresses: ["a".repeat(257)] }],
  [
    "capability_response",
    "257 capabilities",
    { n: 1, capabilities: Array.from({ length: 257 }, () => ({ name: "a", version: "1" })), accepts: [], features: [] },
  ],
  ["capability_response", "a capability without a name", { n: 1, capabilities: [{ name: "", version: "1" }], accepts: [], features: [] }],
  ["capability_response", "a signature of 63 bytes", { n: 1, capabilities: [], accepts: [], features: [], signature: "ab".repeat(63) }],
  ["capability_response", "an uppercase signature", { n: 1, capabilities: [], accepts: [], features: [], signature: "AB".repeat(64) }],
  ["task_update", "an unknown state", { ...fields, task_id: id, cursor: 1, at: 1, state: "lost" }],
  ["task_update", "a progress above one", { ...fields, task_id: id, cursor: 1, at: 1, state: "working", progress: 1.01 }],
  ["task_update", "the cursor 0", { ...fields, task_id: id, cursor: 0, at: 1, state: "working" }],
  ["task_update", "an artifact without a name", { ...fields, task_id: id, cursor: 1, at: 1, state: "working", artifact: { content: 1 } }],
  ["task_delegate", "a chain of nine above it", { ...fields, task_id: id, capability: "a", input: 1, chain: { depth: 9, budget: 1 } }],
  ["task_delegate", "a budget of 10 001", { ...fields, task_id: id, capability: "a", input: 1, chain: { depth: 1, budget: 10_001 } }],
  ["task_delegate", "a capability without a name", { ...fields, task_id: id, capability: "", input: 1 }],
  ["wake_up", "a reason of 257 letters", { ...fields, reason: "a".repeat(257) }],
])("a %s with %s is refused [BODY-1]", (type, _, body) => {
  expect(decodeBody(type, bytesOf(body))).toBeUndefined();
});

test("a body of 128 KiB is carried, the next larger one neither sent nor read [BODY-4]", () => {
  const of = (bytes: number) => ({ ...fields, json: "a".repeat(bytes - bytesOf({ ...fields, json: "" }).length) });
  expect(bodyBytesMax).toBe(128 * 1024);
  expect(decodeBody("message", encodeBody<"message">(of(bodyBytesMax)))).toEqual(of(bodyBytesMax));
  expect(() => encodeBody<"message">(of(bodyBytesMax + 1))).toThrow("above the limit");
  expect(decodeBody("message", bytesOf(of(bodyBytesMax + 1)))).toBeUndefined();
});

test("JSON of an application may nest 31 levels below its body, and no deeper [ENV-3]", () => {
  const nested = (levels: number) => encodeUtf8(`{"id":"${id}","sent_at":1,"json":${"[".repeat(levels)}${"]".repeat(levels)}}`);
  expect(decodeBody("message", nested(31))).toBeDefined();
  expect(decodeBody("message", nested(32))).toBeUndefined();
});

test("application JSON travels untouched, whatever its keys are called [BODY-3]", () => {
  const json = JSON.parse('{"__proto__":{"a":1},"constructor":1,"unknown":[{}],"-0":1e300}') as unknown;
  const body = decodeBody("message", bytesOf({ ...fields, json }));
  expect(body).toEqual({ ...fields, json });
  expect(decodeUtf8(encodeBody<"message">(body ?? { text: "" }))).toContain(
    '{"__proto__":{"a":1},"constructor":1,"unknown":[{}],"-0":1e+300}',
  );
});
