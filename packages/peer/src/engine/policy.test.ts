import { isMessageType, type MessageType, messageTypeNames, type Scope, scopes } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import { mayConnect, maySend, stranger } from "./policy.ts";

/** The whole table of TRUST-2, written a second time: types by what they ask of their sender. */
const withoutRight = ["error", "receipt", "pong", "capability_response", "session_close"];
const seenAndAbove = ["heartbeat", "ping", "status_report", "capability_query", "discovery", "receipt_query"];
const byScope: Readonly<Record<Scope, readonly string[]>> = {
  message: ["message"],
  task_delegate: ["task_delegate", "task_query", "task_cancel", "task_input"],
  wake_up: ["wake_up"],
  chunk: ["chunk"],
  relay: ["relay"],
  group: ["group"],
  mailbox: [],
};
const forFriends = ["task_update"];
const forNobody = ["handshake", "handshake_ack", "handshake_confirm", "prekeys", "bundle", "offline"];

const allowed = (level: Parameters<typeof mayConnect>[0]["level"], granted: readonly Scope[]): readonly MessageType[] =>
  messageTypeNames.filter((type) => maySend({ level, scopes: granted }, type));

test("the table names every message type once [TRUST-2]", () => {
  const named = [...withoutRight, ...seenAndAbove, ...forFriends, ...Object.values(byScope).flat(), ...forNobody];
  expect(named.every(isMessageType)).toBe(true);
  expect(named.toSorted()).toEqual(messageTypeNames.toSorted());
});

describe("who may send what, default closed [TRUST-2]", () => {
  test("a stranger may only answer, even with every scope", () => {
    expect(allowed("unknown", scopes).toSorted()).toEqual(withoutRight.toSorted());
    expect(messageTypeNames.filter((type) => maySend(stranger, type)).toSorted()).toEqual(withoutRight.toSorted());
  });

  test("a blocked peer may say nothing at all, not even an answer", () => {
    expect(allowed("blocked", scopes)).toEqual([]);
  });

  test("a seen peer may report and ask, whatever scopes stand beside it [TRUST-3]", () => {
    expect(allowed("seen", scopes).toSorted()).toEqual([...withoutRight, ...seenAndAbove].toSorted());
  });

  test("a trusted peer without a scope may do what a seen one may, and tell of work that it was given", () => {
    expect(allowed("trusted", []).toSorted()).toEqual([...withoutRight, ...seenAndAbove, ...forFriends].toSorted());
  });

  test.each(scopes)("the scope %s opens its own types to a trusted peer and no others", (scope) => {
    expect(allowed("trusted", [scope]).toSorted()).toEqual([...withoutRight, ...seenAndAbove, ...forFriends, ...byScope[scope]].toSorted());
  });

  test("an admin needs no scope, and still cannot send what nobody may", () => {
    expect(allowed("admin", []).toSorted()).toEqual(messageTypeNames.filter((type) => !forNobody.includes(type)).toSorted());
  });
});

test("only pinned peers that are not blocked may connect [TRUST-3]", () => {
  const levels = ["blocked", "unknown", "seen", "trusted", "admin"] as const;
  expect(levels.filter((level) => mayConnect({ level, scopes }))).toEqual(["seen", "trusted", "admin"]);
});
