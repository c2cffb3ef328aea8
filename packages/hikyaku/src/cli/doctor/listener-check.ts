/** Whether the listener of the peer that is up answers at the addresses that peers are told, or at least on this machine. */
import { type Endpoint, formatEndpoint, isWildcardHost } from "../../config/endpoint.ts";
import { bad, type Finding, good, warning } from "./finding.ts";
import { askHealth, questionMsMax } from "./health-question.ts";

const name = "listener";

export async function checkListener(told: readonly string[], listen: Endpoint, patienceMs: number = questionMsMax): Promise<Finding> {
  const signal = AbortSignal.timeout(patienceMs);
  const answers = async (address: string): Promise<string | undefined> =>
    (await askHealth(address, signal))?.isWell === true ? address : undefined;
  const own = ownAddress(listen);
  const [heard, heardHere] = await Promise.all([
    Promise.all(told.map(answers)).then((all) => all.find((address) => address !== undefined)),
    own === undefined ? undefined : answers(own),
  ]);
  if (heard !== undefined) return good(name, `It answers at ${heard}.`);
  const places = told.join(" ") || "(none)";
  if (heardHere !== undefined)
    return warning(
      name,
      `It answers at ${heardHere}, but from here at none of the addresses that peers are told: ${places}.`,
      "Correct --advertise, unless a router in between sends those addresses here.",
    );
  return bad(
    name,
    `It answers at none of its addresses: ${places}.`,
    "See whether a firewall on this machine is in the way, and start the peer anew.",
  );
}

/** Where this machine reaches what its settings let listen; unknown where the system chose the port. */
function ownAddress({ host, port }: Endpoint): string | undefined {
  return port === 0 ? undefined : `http://${formatEndpoint({ host: isWildcardHost(host) ? "127.0.0.1" : host, port })}`;
}
