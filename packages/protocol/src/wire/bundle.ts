/**
 * Messages that waited for one peer and travel as one (spec §14, BUNDLE-1 to BUNDLE-5): the plaintext of an envelope of type `bundle`. Read wholly or not at all, so
 * that nobody acts on the first items of a bundle whose last one is hostile. What waits, and when it goes, is the engine's business.
 */
import type { Bytes } from "../base/bytes.ts";
import { bodyBytesMax, bundleBytesMax, bundleCountMax, messageTypeLengthMax } from "../base/limits.ts";
import { CborReader, CborWriter, headBytes, stringBytes } from "./cbor.ts";
import { factsOf, isMessageType, type MessageType } from "./message-types.ts";

export interface BundleItem {
  readonly msgType: MessageType;
  /** As it would be sealed alone. */
  readonly body: Bytes;
}

const itemFields = 2;

/** What a bundle of so many items spends before the first of them. */
export const bundleHeadBytesOf = (count: number): number => headBytes(count);

/** What one item adds: with the head, exactly the bytes of the bundle. */
export const bundleItemBytesOf = ({ msgType, body }: BundleItem): number =>
  headBytes(itemFields) + stringBytes(msgType.length) + stringBytes(body.length);

/** The one form of these items. Throws where they make no bundle: the caller counts with the functions above, so that would be a mistake of ours. */
export function encodeBundle(items: readonly BundleItem[]): Bytes {
  if (!isCountAllowed(items.length)) throw new RangeError(`a bundle of ${items.length} items, where 1 to ${bundleCountMax} go together`);
  const leading = items[0];
  if (leading === undefined || !items.every((item) => isBundled(item, leading)))
    throw new TypeError("an item that may not go in this bundle");
  const length = items.reduce((sum, item) => sum + bundleItemBytesOf(item), bundleHeadBytesOf(items.length));
  if (length > bundleBytesMax) throw new RangeError(`a bundle of ${length} bytes is above the limit of ${bundleBytesMax}`);
  const writer = new CborWriter(length);
  writer.arrayHead(items.length);
  for (const { msgType, body } of items) {
    writer.arrayHead(itemFields);
    writer.text(msgType);
    writer.bytes(body);
  }
  return writer.finish();
}

/** The items of one bundle that fills `bytes` exactly, or undefined where anything at all is off. Bodies share one copy of `bytes` and none of its memory. */
export function decodeBundle(bytes: Bytes): readonly BundleItem[] | undefined {
  if (bytes.length > bundleBytesMax) return undefined;
  const reader = new CborReader(bytes);
  const count = reader.arrayHead();
  if (count === undefined || !isCountAllowed(count)) return undefined;
  const items: BundleItem[] = [];
  while (items.length < count) {
    const item = readItem(reader);
    if (item === undefined || !isBundled(item, items[0] ?? item)) return undefined;
    items.push(item);
  }
  return reader.isAtEnd ? items : undefined;
}

function readItem(reader: CborReader): BundleItem | undefined {
  if (reader.arrayHead() !== itemFields) return undefined;
  const msgType = reader.text(messageTypeLengthMax);
  if (msgType === undefined || !isMessageType(msgType)) return undefined;
  const body = reader.bytes(bundleBytesMax);
  return body === undefined ? undefined : { msgType, body };
}

const isCountAllowed = (count: number): boolean => count >= 1 && count <= bundleCountMax;

/** BUNDLE-3, BUNDLE-4: neither a bundle nor what makes sessions goes in a bundle, and all of it is as urgent as its first item. */
function isBundled({ msgType, body }: BundleItem, leading: BundleItem): boolean {
  const { kind, priority } = factsOf(msgType);
  if (msgType === "bundle" || kind === "handshake") return false;
  return priority === factsOf(leading.msgType).priority && body.length <= bodyBytesMax;
}
