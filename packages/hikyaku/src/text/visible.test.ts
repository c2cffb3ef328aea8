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

test("no space but the plain one passes for it, and nothing that is blank or not assigned passes at all [DATA-2]", () => {
  expect(visible("a\u00A0b\u2003c\u202Fd\u1680e f")).toBe("a\\u{a0}b\\u{2003}c\\u{202f}d\\u{1680}e f");
  expect(visible("a\u{1D159}\u{13440}\u{13441}\u{16FE4}\u{1BC9D}")).toBe("a\\u{1d159}\\u{13440}\\u{13441}\\u{16fe4}\\u{1bc9d}");
  expect(visible("a\u0378\u{FFFFF}\uFFFF")).toBe("a\\u{378}\\u{fffff}\\u{ffff}");
});

test("the wide space of Japanese stands where its width shows, and in no run of spaces and at no end [DATA-2]", () => {
  expect(readable("\u3000飛脚\u3000急ぐ\n\u3000次")).toBe("\u3000飛脚\u3000急ぐ\n\u3000次");
  expect(readable("飛\u3000\u3000脚 \u3000急\u3000 ぐ\u3000\n次\u3000")).toBe(
    "飛\\u{3000}\\u{3000}脚 \\u{3000}急\\u{3000} ぐ\\u{3000}\n次\\u{3000}",
  );
});

test("letters and digits carry no selector, and a key keeps its own [DATA-2]", () => {
  expect(visible("o\uFE0Fk\uFE0F1\uFE0F2 \uFE0F")).toBe("o\\u{fe0f}k\\u{fe0f}1\\u{fe0f}2 \\u{fe0f}");
  expect(visible("1\uFE0F\u20E3 #\uFE0F\u20E3 ☎\uFE0F ⭐\uFE0F 👍🏽")).toBe("1\uFE0F\u20E3 #\uFE0F\u20E3 ☎\uFE0F ⭐\uFE0F 👍🏽");
});

test("what people write in their own scripts stays as it is", () => {
  const texts = [
    "Grüße, naïve façade",
    "飛脚が走る。",
    "급한 편지",
    "Привет, мир",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "ភាសាខ្មែរ",
    "မြန်မာ",
    "e\u0301 ñ",
    "→ €5 · “x”",
  ];
  for (const text of texts) expect(visible(text)).toBe(text);
});

test("a longer text keeps its lines and tabs", () => {
  expect(readable("one\n\ttwo\rthree\u0000")).toBe("one\n\ttwo\\u{d}three\\u{0}");
  expect(visible("one\ntwo")).toBe("one\\u{a}two");
});

test("as JSON it is the same value", () => {
  const value = { text: "a\u202E\u{E0061}❤\uFE0F\n" };
  expect(visibleJson(value)).toBe('{"text":"a\\u202e\\udb40\\udc61❤\uFE0F\\n"}');
  expect(JSON.parse(visibleJson(value))).toEqual(value);
});
