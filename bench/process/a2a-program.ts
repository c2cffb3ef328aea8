/** What a user could take instead for handing work over: the A2A SDK's server and client, in processes of their own, with tasks in memory and JSON-RPC over HTTP. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type AgentCard, type Message, type Part, Role, TaskState } from "@a2a-js/sdk";
import { type Client, ClientFactory } from "@a2a-js/sdk/client";
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
} from "@a2a-js/sdk/server";
import { elapsedTime } from "../measure.ts";
import { type Flight, keepInFlight } from "./in-flight.ts";
import { answerQuestions } from "./questions.ts";

interface Address {
  readonly port: number;
}

interface Asking extends Flight, Address {
  readonly textLength: number;
}

const version = "1.0";

const cardOf = ({ port }: Address): AgentCard => ({
  name: "echo",
  description: "Gives back what it is given.",
  supportedInterfaces: [{ url: `http://127.0.0.1:${port}/`, protocolBinding: "JSONRPC", tenant: "", protocolVersion: version }],
  provider: undefined,
  version: "1",
  capabilities: { streaming: false, pushNotifications: false, extensions: [] },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
  signatures: [],
});

/** The states that a task has with us: submitted, working, completed with its output. */
const echo: AgentExecutor = {
  async execute({ taskId, contextId, userMessage }, events) {
    const statusOf = (state: TaskState) => ({ state, message: undefined, timestamp: new Date().toISOString() });
    const common = { taskId, contextId, metadata: undefined };
    const artifact = {
      artifactId: "output",
      name: "output",
      description: "",
      parts: userMessage.parts,
      metadata: undefined,
      extensions: [],
    };
    const submitted = { contextId, artifacts: [], history: [userMessage], metadata: undefined };
    events.publish(AgentEvent.task({ id: taskId, ...submitted, status: statusOf(TaskState.TASK_STATE_SUBMITTED) }));
    events.publish(AgentEvent.statusUpdate({ ...common, status: statusOf(TaskState.TASK_STATE_WORKING) }));
    events.publish(AgentEvent.artifactUpdate({ ...common, artifact, append: false, lastChunk: true }));
    events.publish(AgentEvent.statusUpdate({ ...common, status: statusOf(TaskState.TASK_STATE_COMPLETED) }));
    events.finished();
  },
  async cancelTask() {
    throw new Error("the bench cancels nothing");
  },
};

async function listen(): Promise<Address> {
  const address = { port: 0 };
  const handler = new JsonRpcTransportHandler(new DefaultRequestHandler(cardOf(address), new InMemoryTaskStore(), echo));
  const server = createServer(answering(handler));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port };
}

const answering =
  (handler: JsonRpcTransportHandler): RequestListener =>
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const context = new ServerCallContext({ requestedVersion: version });
      handler.handle(Buffer.concat(chunks).toString(), context).then(
        (answer) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)),
        () => response.destroy(),
      );
    });
  };

/** Tasks until the time is up, each until its output is here. Resolves with the microseconds that one took, all in all. */
async function delegate({ port, textLength, ...flight }: Asking): Promise<number> {
  const client = await new ClientFactory().createFromAgentCard(cardOf({ port }));
  const text = "x".repeat(textLength);
  const elapsed = elapsedTime();
  const count = await keepInFlight(flight, () => ask(client, text));
  return elapsed() / count;
}

async function ask(client: Client, text: string): Promise<void> {
  const part: Part = { content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "text/plain" };
  const empty = { contextId: "", taskId: "", metadata: undefined, extensions: [], referenceTaskIds: [] };
  const message: Message = { ...empty, messageId: randomUUID(), role: Role.ROLE_USER, parts: [part] };
  const answer = await client.sendMessage({ tenant: "", message, configuration: undefined, metadata: undefined });
  const output = "artifacts" in answer ? answer.artifacts[0]?.parts[0]?.content : undefined;
  if (output?.$case !== "text" || output.value !== text) throw new Error(`A2A answered something else: ${JSON.stringify(answer)}`);
}

answerQuestions({ listen, delegate });
