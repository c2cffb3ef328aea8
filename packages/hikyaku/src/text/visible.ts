/** What others wrote, made harmless to look at: a message must not move a cursor, hide text, or fake a line of ours. */

/**
 * Control, bidirectional, unassigned and other characters without a shape of their own, those among them that can carry a hidden text: tags, variation selectors, fillers, blanks,
 * spaces of other widths. The last ones in the list are those that no property tells. What is lost: a French no-break space is seen as its number, and so is an emoji that is newer
 * than this Node.
 */
const shapeless =
  /(?!\uFE0F)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}[\p{Zs}--[\u0020\u3000]]\u2028\u2029\u2800\u{13440}-\u{13442}\u{16FE4}\u{1BC9D}\u{1D159}]/v;
/** Between words, or before a line, the wide space of Japanese is seen by its width; in a run of spaces or at the end of a line it is not. */
const wideAmongSpaces = /(?<=[\p{Zs}\t])\u3000|\u3000(?![^\p{Zs}\t\n])/v;
/** The selector that makes an emoji colourful, elsewhere than once behind one. Digits count as emoji, and are ones where they stand on a key. */
const selectorAlone = /(?<![\p{Emoji}--\p{ASCII}]|[#*0-9](?=\uFE0F\u20E3))\uFE0F/v;

const invisible = new RegExp([shapeless, wideAmongSpaces, selectorAlone].map(({ source }) => source).join("|"), "gv");

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
