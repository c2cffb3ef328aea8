/** Addresses as peers announce them: `http://host:port`, and nothing behind it. A hostile text must not smuggle a path, a user name or a second host. */

export const peerAddressScheme = "http://";

const endpointPattern = /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):[0-9]{1,5}$/;

export function isPeerAddress(text: string): boolean {
  if (!text.startsWith(peerAddressScheme)) return false;
  const endpoint = text.slice(peerAddressScheme.length);
  const port = Number(endpoint.slice(endpoint.lastIndexOf(":") + 1));
  return endpointPattern.test(endpoint) && port >= 1 && port <= 65_535;
}
