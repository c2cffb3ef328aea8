/** Whether the key file is there, private and whole. What lies under a passphrase is not looked at, so none is asked for. */
import { readKeyInfo } from "../../keystore/keystore.ts";
import { type Finding, good, refusal } from "./finding.ts";

export async function checkKey(folder: string): Promise<Finding> {
  try {
    const { did, protection } = await readKeyInfo(folder);
    return good("key", `It is the key of ${did}, ${protection === "none" ? "without a passphrase" : "sealed under a passphrase"}.`);
  } catch (error) {
    return refusal("key", error);
  }
}
