/** Holds streams and hears nothing: for tests in which none is expected. */
import type { StreamHolder } from "@hikyaku/peer";

export const deafHolder: StreamHolder = {
  opened: () => undefined,
  frame: async () => undefined,
  refused: () => undefined,
  closed: () => undefined,
};
