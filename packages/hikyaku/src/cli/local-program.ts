/** A program of this machine that somebody names on the command line: whether there is one, before anything is built upon it. */
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";

/** Asked before anything is offered: a slip of the pen should not fail somebody's task. */
export async function requireProgram(command: string, path: string): Promise<void> {
  const places = command.includes("/") ? [command] : path.split(delimiter).map((folder) => join(folder, command));
  const kinds = await Promise.all(places.map(kindOf));
  if (kinds.includes("program")) return;
  const plain = places[kinds.indexOf("plain file")];
  if (plain === undefined)
    throw new HikyakuError("INVALID_ARGUMENT", `There is no program ${JSON.stringify(command)} here: give its path, or a name in PATH.`);
  throw new HikyakuError("INVALID_ARGUMENT", `The file ${plain} may not be run as a program: chmod +x allows it.`);
}

async function kindOf(place: string): Promise<"program" | "plain file" | "no file"> {
  const isFile = await stat(place).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return "no file";
  return await access(place, constants.X_OK).then(
    () => "program",
    () => "plain file",
  );
}
