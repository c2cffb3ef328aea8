/** One peer under watch, as values: what is known of it, and what a look at it brings that is new. */
import { limits } from "@hikyaku/protocol";

export interface StatusReport {
  readonly position: number;
  readonly receivedAt: number;
  readonly state?: string;
  readonly detail?: string;
}

/** A peer as the control interface tells of it. */
export interface Sight {
  readonly name: string;
  readonly health: "connected" | "silent" | "idle";
  readonly heardAt?: number;
  /** Those that came after the ones seen before. */
  readonly reports: readonly StatusReport[];
}

/** A peer without a session is not heard of either. */
export type Presence = "connected" | "silent";

export interface WatchedPeer {
  readonly name: string;
  /** None before the first look. */
  readonly presence?: Presence;
  /** Of the last report seen. */
  readonly position: number;
  /** When it was last called to come up. */
  readonly wokenAt?: number;
  /** Whether that was since it fell silent. */
  readonly isWoken: boolean;
}

export type News =
  | { readonly event: "presence"; readonly at: number; readonly presence: Presence; readonly heardAt?: number }
  | { readonly event: "status"; readonly at: number; readonly state?: string; readonly detail?: string };

export const unseen = (name: string): WatchedPeer => ({ name, position: 0, isWoken: false });

/** What is new to whoever saw it as `before`. */
export function see(before: WatchedPeer, sight: Sight, now: number): { readonly after: WatchedPeer; readonly news: readonly News[] } {
  const presence: Presence = sight.health === "connected" ? "connected" : "silent";
  const hasChanged = presence !== before.presence;
  const position = sight.reports.at(-1)?.position ?? before.position;
  const after = { ...before, presence, position, isWoken: before.isWoken && !hasChanged };
  const heard = sight.heardAt === undefined ? {} : { heardAt: sight.heardAt };
  const change: readonly News[] = hasChanged ? [{ event: "presence", at: now, presence, ...heard }] : [];
  return { after, news: [...change, ...sight.reports.map(newsOf)] };
}

const newsOf = ({ receivedAt, state, detail }: StatusReport): News => ({
  event: "status",
  at: receivedAt,
  ...(state === undefined ? {} : { state }),
  ...(detail === undefined ? {} : { detail }),
});

/** A call goes on being tried for ten minutes, and the other side takes one a minute for long (spec WAKE-3). */
export function isWakeDue({ presence, wokenAt, isWoken }: WatchedPeer, now: number): boolean {
  if (presence !== "silent") return false;
  const pauseMs = isWoken ? limits.wakeLifeMs : minuteMs / limits.wakeRate.perMinute;
  return wokenAt === undefined || now - wokenAt >= pauseMs;
}

const minuteMs = 60_000;

/** What a peer says of itself, for people. */
export const saying = ({ state, detail }: Pick<StatusReport, "state" | "detail">): string =>
  [state, detail].filter(Boolean).join(", ") || "nothing of how it is";
