/** The house as data: every room, which sibling rooms it may enter, and which packages it may bring in. */
export interface Room {
  /** Rooms of the same package. */
  readonly enters: readonly string[];
  /** Packages by name; `@noble/` stands for a scope, `node:` for the platform. */
  readonly brings: readonly string[];
}

const core = "@hikyaku/protocol";
const peer = "@hikyaku/peer";

export const plan: Readonly<Record<string, Room>> = {
  protocol: { enters: ["base", "wire", "crypto", "identity", "sealing", "handshake", "session", "dialogue"], brings: [] },
  "protocol/base": { enters: [], brings: [] },
  "protocol/wire": { enters: ["base"], brings: ["canonicalize"] },
  "protocol/crypto": { enters: ["base"], brings: ["@noble/"] },
  "protocol/identity": { enters: ["base", "crypto"], brings: ["@scure/base"] },
  "protocol/sealing": { enters: ["base", "wire", "crypto"], brings: [] },
  "protocol/handshake": { enters: ["base", "wire", "crypto", "identity", "sealing"], brings: [] },
  "protocol/session": { enters: ["base", "wire", "crypto", "identity", "sealing", "handshake"], brings: [] },
  "protocol/dialogue": { enters: ["base", "wire"], brings: ["zod"] },
  peer: { enters: ["ports", "work", "engine", "adapters"], brings: [] },
  "peer/ports": { enters: [], brings: [core] },
  "peer/links": { enters: ["ports"], brings: [core] },
  "peer/delivery": { enters: ["ports"], brings: [core] },
  "peer/work": { enters: ["ports"], brings: [core] },
  "peer/engine": { enters: ["ports", "links", "delivery", "work"], brings: [core] },
  "peer/adapters": { enters: ["ports"], brings: [core] },
  hikyaku: { enters: ["agents", "api", "config", "crypto", "keystore", "store", "transports", "wake"], brings: [core, peer, "node:"] },
  "hikyaku/config": { enters: [], brings: [core, "node:", "zod", "env-paths"] },
  "hikyaku/keystore": { enters: ["config"], brings: [core, "node:"] },
  "hikyaku/crypto": { enters: [], brings: [core, "node:"] },
  "hikyaku/transports": { enters: [], brings: [core, peer, "node:", "fastify", "undici", "ws"] },
  "hikyaku/agents": { enters: [], brings: [core, peer] },
  "hikyaku/store": { enters: ["agents"], brings: [core, peer, "node:"] },
  "hikyaku/loopback": { enters: [], brings: [core, "node:"] },
  "hikyaku/judging": { enters: ["text"], brings: [core, peer, "node:", "zod"] },
  "hikyaku/api": { enters: ["agents", "judging", "loopback"], brings: [core, peer, "node:", "fastify", "zod"] },
  "hikyaku/wake": { enters: [], brings: [core, peer, "node:", "undici"] },
  "hikyaku/serving": { enters: [], brings: [core, "node:"] },
  "hikyaku/text": { enters: [], brings: [] },
  "hikyaku/mcp": {
    enters: ["agents", "loopback", "text"],
    brings: [core, "node:", "zod", "@modelcontextprotocol/server"],
  },
  "hikyaku/mcp-tools": { enters: ["serving", "text"], brings: [core, "node:", "@modelcontextprotocol/client"] },
  "hikyaku/cli": {
    enters: [".", "agents", "config", "crypto", "keystore", "mcp", "mcp-tools", "serving", "store", "text"],
    brings: [core, peer, "node:", "commander", "pino", "undici"],
  },
  testkit: { enters: ["contracts", "fuzz", "process", "simulation", "vectors", "world"], brings: [] },
  "testkit/contracts": { enters: ["vectors"], brings: [core, peer, "node:", "vitest", "fast-check"] },
  "testkit/fuzz": { enters: ["vectors"], brings: [core, "fast-check"] },
  "testkit/simulation": { enters: [], brings: [core, peer, "node:"] },
  "testkit/world": { enters: [], brings: [core, peer] },
  "testkit/process": { enters: [], brings: ["node:", "@modelcontextprotocol/client", "@modelcontextprotocol/server"] },
  "testkit/vectors": { enters: [], brings: [core, "node:"] },
};

/** What tests may bring in besides their room's own list. */
export const testBrings: readonly string[] = [
  "vitest",
  "@modelcontextprotocol/",
  "fast-check",
  "cborg",
  "zod",
  "node:",
  "@hikyaku/",
  "@noble/",
  "hikyaku",
];
