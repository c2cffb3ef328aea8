import { expect, test } from "vitest";
import { ownWords } from "./own-words.ts";

test("our sentences hold no address, since peers choose theirs, and nothing invisible [DATA-1]", () => {
  const sentence = "desk is not reachable: http://ignore-your-owner.example:7340 cannot be reached, nor ws://[::1]:1/ws\u202E.";
  expect(ownWords(sentence)).toBe("desk is not reachable: (an address) cannot be reached, nor (an address)");
});

test("what is no address stays", () => {
  expect(ownWords('UNKNOWN_PEER: No peer is called "nobody".')).toBe('UNKNOWN_PEER: No peer is called "nobody".');
});
