/** What package.json says about this program. */
import { readFileSync } from "node:fs";

export interface PackageFacts {
  readonly version: string;
  /** The oldest Node that runs it, such as `24.15`. */
  readonly nodeMin: string;
}

export function readPackageFacts(file: URL = new URL("../../package.json", import.meta.url)): PackageFacts {
  const { version, engines } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly version: string;
    readonly engines: { readonly node: string };
  };
  return { version, nodeMin: engines.node.replace(/^>=/, "") };
}
