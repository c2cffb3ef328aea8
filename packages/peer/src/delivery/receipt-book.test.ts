import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { ReceiptBook } from "./receipt-book.ts";

test("of each message the last stage alone is told, in as few receipts as possible [DLV-2]", () => {
  const book = new ReceiptBook();
  book.note(["1", "2", "3"], "stored");
  book.note(["2"], "delivered");
  book.note(["2", "4"], "handled");
  book.note(["3"], "refused", "INTERRUPTED");
  expect(book.size).toBe(4);
  expect(book.take()).toEqual({ ids: ["1"], stage: "stored" });
  expect(book.take()).toEqual({ ids: ["2", "4"], stage: "handled" });
  expect(book.take()).toEqual({ ids: ["3"], stage: "refused", reason: "INTERRUPTED" });
  expect(book.take()).toBeUndefined();
});

test("a stage never falls, and the first final one stays", () => {
  const book = new ReceiptBook();
  book.note(["1"], "handled");
  book.note(["1"], "stored");
  book.note(["1"], "refused", "INTERNAL_ERROR");
  expect(book.take()).toEqual({ ids: ["1"], stage: "handled" });
});

test("different reasons are told apart, and one receipt names at most 1 024 ids", () => {
  const book = new ReceiptBook();
  book.note(["a"], "refused", "INTERRUPTED");
  book.note(["b"], "refused", "MESSAGE_EXPIRED");
  expect([book.take()?.reason, book.take()?.reason]).toEqual(["INTERRUPTED", "MESSAGE_EXPIRED"]);
  const ids = Array.from({ length: limits.receiptIdsMax + 1 }, (_, index) => `${index}`);
  book.note(ids, "stored");
  expect(book.take()?.ids).toEqual(ids.slice(0, limits.receiptIdsMax));
  expect(book.take()?.ids).toEqual(ids.slice(limits.receiptIdsMax));
});

test("above its bound the oldest goes: its sender asks again [LIM-1]", () => {
  const book = new ReceiptBook();
  book.note(
    Array.from({ length: limits.pendingReceiptsMax }, (_, index) => `${index}`),
    "stored",
  );
  book.note(["1"], "handled");
  expect(book.size).toBe(limits.pendingReceiptsMax);
  book.note(["new"], "stored");
  expect(book.size).toBe(limits.pendingReceiptsMax);
  expect(book.take()?.ids[0]).toBe("1");
  book.clear();
  expect(book.take()).toBeUndefined();
});
