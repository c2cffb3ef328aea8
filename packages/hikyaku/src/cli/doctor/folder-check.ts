/** Whether the data folder is there, belongs to this user alone, and can be written to. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { checkPrivateFolder } from "../../keystore/private-file.ts";
import { bad, type Finding, good, refusal } from "./finding.ts";

const name = "folder";

export async function checkFolder(folder: string, canEnter: typeof access = access): Promise<Finding> {
  try {
    if (!(await checkPrivateFolder(folder)))
      return bad(name, `There is no folder ${folder}.`, "Make it, and an identity in it, with `hikyaku init`.");
  } catch (error) {
    return refusal(name, error);
  }
  try {
    await canEnter(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return good(name, `${folder} is open to its owner only.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return bad(
      name,
      `${folder} cannot be written to (${code}).`,
      "Give its owner the mode 0700, and see that its disk is not mounted read-only.",
    );
  }
}
