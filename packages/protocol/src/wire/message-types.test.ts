import { expect, test } from "vitest";
import { factsOf, isMessageType, type MessageType, messageTypes } from "./message-types.ts";

const types = Object.keys(messageTypes) as MessageType[];
const typesWhere = (field: "priority" | "kind" | "since", value: string) =>
  types.filter((type) => factsOf(type)[field] === value).toSorted();
const words = (text: string) => text.split(/\s+/).toSorted();

test("there are 27 message types, each of one priority [BODY-1]", () => {
  expect(types).toHaveLength(27);
  expect(typesWhere("priority", "high")).toEqual(
    words("handshake handshake_ack handshake_confirm wake_up task_delegate error receipt session_close"),
  );
  expect(typesWhere("priority", "low")).toEqual(["heartbeat"]);
  expect(typesWhere("priority", "normal")).toEqual(
    words(`status_report capability_query capability_response discovery chunk message ping pong receipt_query
      prekeys task_update task_query task_cancel task_input bundle offline relay group`),
  );
});

test("chunks came with 1.1; prekeys, bundles, offline messages, relaying and groups with 1.2; all else was there from the start [BODY-1]", () => {
  expect(typesWhere("since", "1.1")).toEqual(["chunk"]);
  expect(typesWhere("since", "1.2")).toEqual(["bundle", "group", "offline", "prekeys", "relay"]);
  expect(typesWhere("since", "1.0")).toHaveLength(21);
});

test("control types carry no id and get no receipt [BODY-1]", () => {
  expect(typesWhere("kind", "control")).toEqual(
    words("heartbeat ping pong receipt receipt_query error session_close discovery capability_query capability_response chunk"),
  );
  expect(typesWhere("kind", "handshake")).toEqual(["handshake", "handshake_ack", "handshake_confirm"]);
  expect(typesWhere("kind", "carrier")).toEqual(["bundle", "group", "offline", "relay"]);
});

test.each(["status", "task", "toString", "__proto__", "Message", ""])(
  "%j is no message type, short and inherited names included [BODY-1]",
  (name) => {
    expect(isMessageType(name)).toBe(false);
  },
);
