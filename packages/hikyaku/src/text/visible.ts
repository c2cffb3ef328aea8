/** What others wrote, made harmless to look at: a message must not move a cursor, hide text, or fake a line of ours. */

/**
 * Control, bidirectional and other characters without a shape of their own, those among them that can carry a hidden text: tags, variation selectors, fillers. The selector that
 * makes an emoji colourful may stand once behind it.
 */
const invisible = /(?!\uFE0F)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]|(?<=\uFE0F)\uFE0F/gu;

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** As `\u{…}`, for people. */
export const visible = (text: string): string => text.replace(invisible, escaped);

/** With its lines and tabs as they are, for whoever reads more than a line. */
export const readable = (text: string): string =>
  text.replace(invisible, (character) => (character === "\n" || character === "\t" ? character : escaped(character)));

/** One line of JSON in which they are escaped, for programs, so that it is the same value and still harmless on a screen. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(invisible, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join(""),
  );
