import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePairingLink, encodePairingLink, type PairingLink } from "./pairing-link.ts";

const did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
const token = "00112233445566778899aabbccddeeff";
const link: PairingLink = {
  did,
  addresses: ["http://192.0.2.1:7420", "http://[2001:db8::1]:7420", "http://alice.example:80"],
  token: Uint8Array.from({ length: 16 }, (_, at) => at * 0x11),
};
const text = `hikyaku:pair?did=${did}&at=192.0.2.1:7420&at=[2001:db8::1]:7420&at=alice.example:80&token=${token}`;

test("a link is written in one way and comes back the same [PAIR-1]", () => {
  expect(encodePairingLink(link)).toBe(text);
  expect(decodePairingLink(text)).toEqual(link);
});

test.each([
  ["nothing", ""],
  ["another scheme", text.replace("hikyaku:", "http:")],
  ["an uppercase scheme", text.replace("hikyaku:", "HIKYAKU:")],
  ["a space before it", ` ${text}`],
  ["a line break after it", `${text}\n`],
  ["no did", text.replace(`did=${did}&`, "")],
  ["two dids", text.replace("&at", `&did=${did}&at`)],
  ["a did of another method", text.replace("did:key", "did:web")],
  ["a did of another length", text.replace(did, did.slice(0, -1))],
  ["a letter in the did that base58 has not", text.replace("z6Mk", "z0Mk")],
  ["no address", `hikyaku:pair?did=${did}&token=${token}`],
  ["nine addresses", text.replace("&token", `${"&at=a:1".repeat(6)}&token`)],
  ["no token", text.replace(`&token=${token}`, "")],
  ["two tokens", `${text}&token=${token}`],
  ["a token of 15 bytes", text.slice(0, -2)],
  ["a token of 17 bytes", `${text}00`],
  ["an uppercase token", text.replace("aabb", "AABB")],
  ["an unknown field", `${text}&name=alice`],
  ["an inherited name as field", `${text}&__proto__=1`],
  ["an empty field", `${text}&`],
  ["a fragment", `${text}#x`],
  ["the fields in another order", `hikyaku:pair?token=${token}&did=${did}&at=192.0.2.1:7420`],
  ["an address with a path", text.replace(":80", ":80/x")],
  ["an address with a user name", text.replace("alice.example", "bob@alice.example")],
  ["an address with a query", text.replace(":80", ":80?x")],
  ["an address that is percent-encoded", text.replace("alice", "%61lice")],
  ["an address with a space", text.replace("alice", "ali ce")],
  ["an address without a port", text.replace(":80", "")],
  ["a scheme inside an address", text.replace("at=alice", "at=http://alice")],
  ["more than 2 048 letters", text.replace("alice", "a".repeat(2048))],
])("a link with %s is refused [PAIR-1]", (_, hostile) => {
  expect(decodePairingLink(hostile)).toBeUndefined();
});

test("a mutated link is refused, or encodes back to the mutated text [PAIR-1]", () => {
  const letter = fc.constantFrom(..."&=?:@/.#%[]0aZz did=at=token \n\0é".split(""));
  const edit = fc.record({ at: fc.nat(text.length), length: fc.nat(3), by: fc.string({ unit: letter, maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const mutated = edits.reduce((whole, { at, length, by }) => whole.slice(0, at) + by + whole.slice(at + length), text);
      const decoded = decodePairingLink(mutated);
      expect(decoded === undefined || encodePairingLink(decoded) === mutated).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test("fields shuffled, doubled or dropped are refused, or encode back to the same text [PAIR-1]", () => {
  const fields = text.slice(text.indexOf("?") + 1).split("&");
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fields), { maxLength: 7 }), (chosen) => {
      const built = `hikyaku:pair?${chosen.join("&")}`;
      const decoded = decodePairingLink(built);
      expect(decoded === undefined || encodePairingLink(decoded) === built).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
