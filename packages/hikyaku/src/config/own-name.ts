/** What a peer may be called. A name is typed on command lines and printed in lines of text, so it holds no blanks and nothing a shell or terminal reads. */
import { limits } from "@hikyaku/protocol";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const isName = (text: string): boolean => text.length <= limits.nameLengthMax && namePattern.test(text);

/** A host name bent into a name: its first label, without what a name may not hold. */
export function nameFromHost(host: string): string {
  const label = host.split(".")[0] ?? "";
  const bent = label.replaceAll(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  const name = bent.slice(0, limits.nameLengthMax);
  return isName(name) ? name : "peer";
}
