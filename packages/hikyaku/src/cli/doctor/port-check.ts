/** Whether a peer that is not up could listen where its settings say: the port is taken for a moment, and given back. */
import { createServer } from "node:net";
import { type Endpoint, formatEndpoint } from "../../config/endpoint.ts";
import { bad, type Finding, good } from "./finding.ts";

/** `listen` and `control` are also the names of the flags. */
export async function checkPort(name: "listen" | "control", endpoint: Endpoint): Promise<Finding> {
  const at = formatEndpoint(endpoint);
  const code = await tryPort(endpoint);
  if (code === undefined) return good(name, endpoint.port === 0 ? `The system will choose a port at ${endpoint.host}.` : `${at} is free.`);
  const { found, wayOut } = reasons[code] ?? { found: `refused by the system (${code})`, wayOut: "Choose another" };
  return bad(name, `${at} is ${found}.`, `${wayOut} with --${name}.`);
}

interface Reason {
  readonly found: string;
  /** The beginning of "… with --listen." */
  readonly wayOut: string;
}

const reasons: Readonly<Record<string, Reason>> = {
  EADDRINUSE: { found: "taken by another program, perhaps another hikyaku", wayOut: "Stop that one, or choose another port" },
  EACCES: { found: "not for this user", wayOut: "Choose a port above 1023" },
  EADDRNOTAVAIL: { found: "no address of this machine", wayOut: "Choose one of its own" },
  ENOTFOUND: { found: "a name that nobody knows", wayOut: "Choose an IP address" },
};

/** Undefined where listening works, else the system's word for why not. */
function tryPort({ host, port }: Endpoint): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", ({ code = "unknown error" }: NodeJS.ErrnoException) => resolve(code));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}
