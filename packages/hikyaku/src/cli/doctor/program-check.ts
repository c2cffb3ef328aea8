/** Whether the program itself is whole: its files are there, and it knows its version. */
import { type PackageFacts, readPackageFacts } from "../package-facts.ts";
import { bad, type Finding, good } from "./finding.ts";

export function checkProgram(read: () => PackageFacts = readPackageFacts): Finding {
  try {
    return good("hikyaku", `This is hikyaku ${read().version}.`);
  } catch (error) {
    return bad("hikyaku", `Its own package.json cannot be read (${String(error)}).`, "Install hikyaku again.");
  }
}
