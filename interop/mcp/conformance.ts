/**
 * `npm run conformance`: the MCP project's conformance kit against `hikyaku mcp --http` with two real peers, and against the kit's own example server behind the same HTTP face, in both
 * revisions. Fails where something else fails than what is listed, and where something listed passes.
 */
import { randomBytes } from "node:crypto";
import { hikyaku, type McpAddress, TwoPeers } from "@hikyaku/testkit";
import { openHttpFace } from "../../packages/hikyaku/src/mcp/http-face.ts";
import { createExampleServer } from "./example-server.ts";
import { exampleFailures, programFailures } from "./expected-failures.ts";
import { type ExpectedFailures, judge, type Verdict } from "./judge.ts";
import { type Revision, revisions, runKit } from "./kit.ts";
import { openTokenDoor } from "./token-door.ts";

export interface Result {
  readonly of: string;
  readonly revision: Revision;
  readonly verdict: Verdict;
}

export const proveConformance = async (): Promise<readonly Result[]> => (await Promise.all([ofProgram(), ofExample()])).flat();

async function ofProgram(): Promise<readonly Result[]> {
  await using peers = await TwoPeers.meet({ lapMay: "message", deskMay: "message" });
  const words = ["mcp", "--http", "127.0.0.1:0", "--show-token", "--json", "--folder", peers.lap.folder];
  await using server = await hikyaku.start(words, /\n/);
  return await inBoth("hikyaku mcp --http", JSON.parse(server.stdout) as McpAddress, programFailures);
}

async function ofExample(): Promise<readonly Result[]> {
  const token = randomBytes(32).toString("hex");
  await using face = await openHttpFace(createExampleServer, {
    listen: { host: "127.0.0.1", port: 0 },
    isToken: (offered) => offered === token,
    complain: console.error,
  });
  return await inBoth("the example server", { url: `http://127.0.0.1:${face.port}/mcp`, token }, exampleFailures);
}

async function inBoth(of: string, address: McpAddress, expected: readonly ExpectedFailures[]): Promise<readonly Result[]> {
  await using door = await openTokenDoor(address);
  const judged = async (revision: Revision) => ({ of, revision, verdict: judge(await runKit(door.url, revision), expected) });
  return await Promise.all(revisions.map(judged));
}

if (import.meta.main) {
  const results = await proveConformance();
  for (const { of, revision, verdict } of results) {
    const { scenarios, passed, expected, complaints } = verdict;
    console.log(`${of}, ${revision}: ${scenarios} scenarios, ${passed} checks passed, ${expected} failed as expected`);
    for (const complaint of complaints) console.log(`  ${complaint}`);
  }
  process.exitCode = results.every(({ verdict }) => verdict.complaints.length === 0) ? 0 : 1;
}
