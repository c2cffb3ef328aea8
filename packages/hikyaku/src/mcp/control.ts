/** The peer that is up, as the tools and resources of this room ask it: the control interface, on behalf of the agent at the other end. */
export interface Control {
  /** Both reject with a HikyakuError: the peer's own refusal, ApprovalRequired, or UNREACHABLE where no peer is up. The signal ends the asking. */
  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer>;
  post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer>;
}

/** A path segment that a name, a did or an id may stand in. */
export const segment = (text: string): string => encodeURIComponent(text);

/** What stands behind `?`, without the parts that are undefined. */
export function queryOf(parts: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(parts).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}
