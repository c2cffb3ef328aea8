import { expect, test } from "vitest";
import { readable, visible, visibleJson } from "./visible.ts";

test("what has no shape of its own is shown as its number", () => {
  expect(visible("a\u001B[2Jb\rc\u202Ed\u200Be\u2028f")).toBe("a\\u{1b}[2Jb\\u{d}c\\u{202e}d\\u{200b}e\\u{2028}f");
});

test("a text hidden in tags, variation selectors or fillers comes to light", () => {
  const tags = Array.from("ok", (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
  expect(visible(`a${tags}`)).toBe("a\\u{e006f}\\u{e006b}");
  expect(visible("b\u{E0100}\uFE00\u3164\u115F\u2800c")).toBe("b\\u{e0100}\\u{fe00}\\u{3164}\\u{115f}\\u{2800}c");
});

test("an emoji keeps its colour, and no more than that", () => {
  expect(visible("❤\uFE0F")).toBe("❤\uFE0F");
  expect(visible("❤\uFE0F\uFE0F\uFE0F")).toBe("❤\uFE0F\\u{fe0f}\\u{fe0f}");
});

test("a longer text keeps its lines and tabs", () => {
  expect(readable("one\n\ttwo\rthree\u0000")).toBe("one\n\ttwo\\u{d}three\\u{0}");
  expect(visible("one\ntwo")).toBe("one\\u{a}two");
});

test("as JSON it is the same value", () => {
  const value = { text: "a\u202E\u{E0061}\uFE0F\n" };
  expect(visibleJson(value)).toBe('{"text":"a\\u202e\\udb40\\udc61\uFE0F\\n"}');
  expect(JSON.parse(visibleJson(value))).toEqual(value);
});
