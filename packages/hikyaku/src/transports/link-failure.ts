/** Why a frame could not be moved, in words that name the address and the cause. */
import { HikyakuError } from "@hikyaku/protocol";

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; nothing listens there",
  EHOSTUNREACH: "no route to this host",
  ENETUNREACH: "no route to this network; is this machine online?",
  EADDRNOTAVAIL: "this machine has no address that leads there",
  EACCES: "this machine's firewall forbids it",
  EPERM: "this machine's firewall forbids it",
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name server does not answer",
  ETIMEDOUT: "nobody answers; it may be switched off, or a firewall is in the way",
  UND_ERR_CONNECT_TIMEOUT: "nobody answers; it may be switched off, or a firewall is in the way",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut before an answer came",
};

export function linkFailure(address: string, cause: unknown): HikyakuError {
  const code = failureCodeOf(cause);
  return new HikyakuError("UNREACHABLE", `${address} cannot be reached: ${causes[code] ?? `the connection failed (${code})`}.`, { cause });
}

export const failureCodeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? "unknown error";

export const canceled = (address: string, cause: unknown): HikyakuError =>
  new HikyakuError("CANCELED", `The call to ${address} was called off.`, { cause });
