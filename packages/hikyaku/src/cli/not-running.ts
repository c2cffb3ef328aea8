/** No peer is up in this folder: told apart from a peer elsewhere that cannot be reached. */
import { HikyakuError } from "@hikyaku/protocol";
import { exitNotRunning } from "./exit-code.ts";

export class NotRunning extends HikyakuError {
  readonly exitCode: number = exitNotRunning;

  constructor(message: string, cause?: unknown) {
    super("UNREACHABLE", message, { cause });
  }
}
