import { expect, test } from "vitest";
import { defaultInboxBounds, hasInboxRoom, type InboxUsage } from "./inbox-quota.ts";

const mib = 1024 * 1024;
const empty: InboxUsage = { unreadOfSender: 0, unreadBytesOfSender: 0, bytes: 0 };

test.each<[string, Partial<InboxUsage>, number]>([
  ["10 000 unread messages of one sender", { unreadOfSender: 9_999 }, 1],
  ["64 MiB of one sender's unread bodies", { unreadBytesOfSender: 64 * mib - 10 }, 10],
  ["1 GiB of all bodies", { bytes: 1024 * mib - 10 }, 10],
])("an inbox takes %s, and not one message or byte more [LIM-7]", (_, used, bodyBytes) => {
  const usage = { ...empty, ...used };
  expect(hasInboxRoom(bodyBytes, usage, defaultInboxBounds)).toBe(true);
  const one: InboxUsage = {
    unreadOfSender: usage.unreadOfSender + 1,
    unreadBytesOfSender: usage.unreadBytesOfSender + 1,
    bytes: usage.bytes + 1,
  };
  expect(hasInboxRoom(bodyBytes, one, defaultInboxBounds)).toBe(false);
});
