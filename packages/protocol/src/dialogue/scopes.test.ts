import { expect, test } from "vitest";
import { isMessageType } from "../wire/message-types.ts";
import { isScope, scopes } from "./scopes.ts";

test("there are seven scopes, and an inherited name is none [TRUST-2]", () => {
  expect(scopes).toEqual(["message", "task_delegate", "wake_up", "relay", "mailbox", "group", "chunk"]);
  for (const text of ["admin", "toString", "0", ""]) expect(isScope(text)).toBe(false);
});

test("every scope but the mailbox is called after the message type that it allows [TRUST-2]", () => {
  expect(scopes.filter((scope) => !isMessageType(scope))).toEqual(["mailbox"]);
});
