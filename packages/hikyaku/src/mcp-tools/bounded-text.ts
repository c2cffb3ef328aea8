/** A text of a local server, cut to what a field of ours may hold, and without halves of characters, which no peer could be told. */

const cutMark = "…";

export const bounded = (text: string, lengthMax: number): string =>
  (text.length <= lengthMax ? text : text.slice(0, lengthMax - cutMark.length) + cutMark).toWellFormed();
