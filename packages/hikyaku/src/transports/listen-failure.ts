/** Why a listener could not start, in words that name the address and the way out. */
import { type ErrorCode, HikyakuError } from "@hikyaku/protocol";

interface Reason {
  readonly code: ErrorCode;
  readonly why: string;
}

const reasons: Readonly<Record<string, Reason>> = {
  EADDRINUSE: { code: "ADDRESS_IN_USE", why: "the address is taken; another hikyaku may be running; use --listen to choose another port" },
  EACCES: { code: "INVALID_ARGUMENT", why: "this user may not listen there; use --listen with a port above 1023" },
  EADDRNOTAVAIL: {
    code: "INVALID_ARGUMENT",
    why: "this machine has no such address; use --listen with one of its own, or 0.0.0.0 for all",
  },
  ENOTFOUND: { code: "INVALID_ARGUMENT", why: "no address is known under this name; use --listen with an IP address" },
};

export function listenFailure(endpoint: string, cause: unknown): HikyakuError {
  const systemCode = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const { code, why } = reasons[systemCode] ?? { code: "INVALID_ARGUMENT", why: `the system refused it (${systemCode})` };
  return new HikyakuError(code, `Cannot listen at ${endpoint}: ${why}.`, { cause });
}
