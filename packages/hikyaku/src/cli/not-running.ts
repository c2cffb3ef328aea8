/** No peer is up in this folder: told apart from a peer elsewhere that cannot be reached. */
import { HikyakuError } from "@hikyaku/protocol";
import { exitNotRunning } from "./exit-code.ts";

export class NotRunning extends HikyakuError {
  readonly exitCode: number = exitNotRunning;

  /** Whether the peer may have heard what was asked, and done it. */
  readonly mayHaveHeard: boolean;

  constructor(message: string, cause?: unknown, mayHaveHeard = false) {
    super("UNREACHABLE", message, { cause });
    this.mayHaveHeard = mayHaveHeard;
  }
}
