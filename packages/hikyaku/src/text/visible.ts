/** What others wrote, made harmless to look at: a message must not move a cursor, hide text, or fake a line of ours. */

/** Control, bidirectional and other characters without a shape of their own. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;

/** As `\u{…}`, for people. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);

/** One line of JSON in which they are escaped, for programs, so that it is the same value and still harmless on a screen. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(invisible, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join(""),
  );
