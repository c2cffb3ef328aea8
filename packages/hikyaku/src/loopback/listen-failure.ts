/** Why a listener of this machine could not start, in words that name the address and the way out. */
import { HikyakuError } from "@hikyaku/protocol";

export interface Place {
  readonly host: string;
  readonly port: number;
  /** Whom it is there for, such as `commands`. */
  readonly whom: string;
  /** Chooses another place. */
  readonly flag: string;
}

export function listenFailure({ host, port, whom, flag }: Place, cause: unknown): HikyakuError {
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if ((cause as NodeJS.ErrnoException).code === "EADDRINUSE")
    return new HikyakuError(
      "ADDRESS_IN_USE",
      `Cannot listen for ${whom} at ${at}: the address is taken; another hikyaku may be running; use ${flag} to choose another port.`,
      { cause },
    );
  return new HikyakuError("INVALID_ARGUMENT", `Cannot listen for ${whom} at ${at}. Use ${flag} with a loopback address of this machine.`, {
    cause,
  });
}
