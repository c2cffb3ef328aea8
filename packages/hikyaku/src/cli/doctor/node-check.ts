/** Whether this Node is new enough. */
import { readPackageFacts } from "../package-facts.ts";
import { bad, type Finding, good } from "./finding.ts";

export function checkNode(running: string = process.versions.node, wanted: string = readPackageFacts().nodeMin): Finding {
  const [major = 0, minor = 0] = numbersOf(running);
  const [majorMin = 0, minorMin = 0] = numbersOf(wanted);
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return good("node", `This is Node ${running}.`);
  return bad(
    "node",
    `This is Node ${running}, and ${wanted} or newer is needed.`,
    "Install a newer Node from nodejs.org or your system's packages.",
  );
}

const numbersOf = (version: string): readonly number[] => version.split(".").map(Number);
