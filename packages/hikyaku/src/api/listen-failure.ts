/** Why the control listener could not start, in words that name the address and the way out. */
import { HikyakuError } from "@hikyaku/protocol";

export function listenFailure({ host, port }: { readonly host: string; readonly port: number }, cause: unknown): HikyakuError {
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if ((cause as NodeJS.ErrnoException).code === "EADDRINUSE")
    return new HikyakuError(
      "ADDRESS_IN_USE",
      `Cannot listen for commands at ${at}: the address is taken; another hikyaku may be running; use --control to choose another port.`,
      { cause },
    );
  return new HikyakuError(
    "INVALID_ARGUMENT",
    `Cannot listen for commands at ${at}. Use --control with a loopback address of this machine.`,
    { cause },
  );
}
