/** Every row there is, in the order of docs/performance.md. A row's program is loaded only in the process that runs it. */
import type { Row } from "./row.ts";

export const rows: Readonly<Record<string, () => Promise<{ readonly row: Row }>>> = {
  P1: () => import("./rows/p1-round-trip.ts"),
  "P2-socket": () => import("./rows/p2-socket.ts"),
  "P2-http": () => import("./rows/p2-http.ts"),
  P3: () => import("./rows/p3-flood.ts"),
  P4: () => import("./rows/p4-durable.ts"),
  P6: () => import("./rows/p6-handshakes.ts"),
  P7: () => import("./rows/p7-cold-connect.ts"),
  P11: () => import("./rows/p11-start-up.ts"),
  P13: () => import("./rows/p13-tasks.ts"),
  P14: () => import("./rows/p14-tool-calls.ts"),
};

/** `P2` chooses P2 and all its parts; without a word, everything is chosen. An unknown word chooses nothing and is named. */
export function chooseRows(
  only: string | undefined,
  ids: readonly string[],
): { readonly chosen: readonly string[]; readonly unknown: readonly string[] } {
  if (only === undefined) return { chosen: ids, unknown: [] };
  const words = only.split(",").map((word) => word.trim());
  const isMeant = (id: string, word: string): boolean => id === word || id.startsWith(`${word}-`);
  return {
    chosen: ids.filter((id) => words.some((word) => isMeant(id, word))),
    unknown: words.filter((word) => !ids.some((id) => isMeant(id, word))),
  };
}
