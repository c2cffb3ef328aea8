import { type Bytes, limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { Pickup } from "./pickup.ts";

const frame = (byte: number, length = 1): Bytes => new Uint8Array(length).fill(byte);

test("what waits for a peer goes to that peer, oldest first, once, behind the answer itself [HTTP-7]", () => {
  const pickup = new Pickup();
  pickup.put("did:lap", "lap", frame(1));
  pickup.put("did:lap", "lap", frame(2));
  pickup.put("did:tab", "tab", frame(3));
  expect(pickup.take("did:lap", [frame(0)])).toEqual({ frames: [frame(0), frame(1), frame(2)], more: false });
  expect(pickup.take("did:lap", [])).toEqual({ frames: [], more: false });
  expect(pickup.take("did:tab", [])).toEqual({ frames: [frame(3)], more: false });
});

test("one answer carries at most 64 frames, and says that more wait", () => {
  const pickup = new Pickup();
  for (let index = 0; index < limits.pickupCountMax; index += 1) pickup.put("did:lap", "lap", frame(index));
  const first = pickup.take("did:lap", [frame(200)]);
  expect(first.frames).toHaveLength(limits.repliesCountMax);
  expect(first.more).toBe(true);
  expect(pickup.take("did:lap", [])).toEqual({ frames: [frame(63)], more: false });
});

test("one answer carries at most 256 KiB; what does not fit keeps its place", () => {
  const pickup = new Pickup();
  const [large, larger] = [frame(1, 100 * 1024), frame(2, 200 * 1024)];
  for (const some of [large, larger, frame(3)]) pickup.put("did:lap", "lap", some);
  expect(pickup.take("did:lap", [])).toEqual({ frames: [large], more: true });
  expect(pickup.take("did:lap", [])).toEqual({ frames: [larger, frame(3)], more: false });
});

test("too much for one peer is refused, and nothing that waits is dropped for it", () => {
  const pickup = new Pickup();
  for (let index = 0; index < limits.pickupCountMax; index += 1) pickup.put("did:lap", "lap", frame(index));
  expect(() => pickup.put("did:lap", "lap", frame(99))).toThrow(expect.objectContaining({ code: "QUOTA_EXCEEDED" }));
  expect(pickup.take("did:lap", []).frames).toEqual(Array.from({ length: limits.pickupCountMax }, (_, index) => frame(index)));
});

test("it keeps frames for a bounded number of peers", () => {
  const pickup = new Pickup();
  for (let index = 0; index < limits.pickupPeersMax; index += 1) pickup.put(`did:${index}`, "peer", frame(1));
  expect(() => pickup.put("did:lap", "lap", frame(1))).toThrow(expect.objectContaining({ code: "QUOTA_EXCEEDED" }));
  pickup.put("did:0", "peer", frame(2));
  pickup.drop("did:0");
  pickup.put("did:lap", "lap", frame(1));
  expect(pickup.take("did:0", [])).toEqual({ frames: [], more: false });
});

test("all peers together have 64 MiB, and what is fetched makes room", () => {
  const pickup = new Pickup();
  const largest = frame(1, limits.envelopeBytesMax);
  const framesMax = limits.pickupBytesMax / largest.length;
  for (let index = 0; index < framesMax; index += 1) pickup.put(`did:${index % 8}`, "peer", largest);
  expect(pickup.bytes).toBe(limits.pickupBytesMax);
  expect(() => pickup.put("did:lap", "lap", frame(1))).toThrow(expect.objectContaining({ code: "QUOTA_EXCEEDED" }));
  pickup.take("did:0", []);
  pickup.put("did:lap", "lap", frame(1));
});
