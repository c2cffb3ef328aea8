/** The refusal of what nobody has approved yet, where the client may approve it: it names the approval, so that the client can ask its person and come back. */
import { HikyakuError } from "@hikyaku/protocol";

export class ApprovalRequired extends HikyakuError {
  readonly approval: string;

  constructor(message: string, approval: string) {
    super("APPROVAL_REQUIRED", message);
    this.approval = approval;
  }
}
