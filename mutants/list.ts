/** All mutants, in the order of the spec's chapters. A row goes only where its rule goes; a survivor is a test to sharpen. */
import type { Mutant } from "./mutant.ts";
import { agentMutants } from "./rows/agents.ts";
import { contentMutants } from "./rows/content.ts";
import { deliveryMutants } from "./rows/delivery.ts";
import { engineMutants } from "./rows/engine.ts";
import { envelopeMutants } from "./rows/envelope.ts";
import { frameMutants } from "./rows/frame.ts";
import { handshakeMutants } from "./rows/handshake.ts";
import { httpMutants } from "./rows/http.ts";
import { identityMutants } from "./rows/identity.ts";
import { machineMutants } from "./rows/machine.ts";
import { mcpMutants } from "./rows/mcp.ts";
import { sessionMutants } from "./rows/session.ts";
import { simulationMutants } from "./rows/simulation.ts";
import { streamMutants } from "./rows/streams.ts";
import { taskMutants } from "./rows/tasks.ts";
import { toolMutants } from "./rows/tools.ts";
import { trustMutants } from "./rows/trust.ts";
import { workMutants } from "./rows/work.ts";

export const mutants: readonly Mutant[] = [
  ...identityMutants,
  ...envelopeMutants,
  ...handshakeMutants,
  ...sessionMutants,
  ...engineMutants,
  ...httpMutants,
  ...streamMutants,
  ...deliveryMutants,
  ...trustMutants,
  ...machineMutants,
  ...frameMutants,
  ...taskMutants,
  ...workMutants,
  ...contentMutants,
  ...agentMutants,
  ...mcpMutants,
  ...toolMutants,
  ...simulationMutants,
];
