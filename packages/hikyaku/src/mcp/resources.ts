/** What an agent may look at without calling a tool, and be told of when it changes: the inbox, the peers, the tasks. */
import { type McpServer, type ReadResourceResult, ResourceTemplate, type ServerContext } from "@modelcontextprotocol/server";
import { visibleJson } from "../text/visible.ts";
import type { Control } from "./control.ts";
import { readMessages } from "./message-tools.ts";
import { listPeers } from "./peer-tools.ts";
import { asReadable } from "./quoted.ts";
import { followTask, listTasks } from "./task-tools.ts";
import type { Subject } from "./waiting.ts";

const root = "hikyaku://";
export const resourceOf = (subject: Subject): string => `${root}${subject}`;

const json = "application/json";

export function offerResources(server: McpServer, control: Control): void {
  const offer = (subject: Subject, title: string, look: (signal: AbortSignal) => Promise<object>): void => {
    server.registerResource(
      subject,
      resourceOf(subject),
      { title, mimeType: json },
      async (uri, context) => await contents(uri, context, look),
    );
  };
  const call = (signal: AbortSignal) => ({ control, signal, progress: async () => undefined });
  offer("inbox", "Messages that nobody has marked as read", (signal) => readMessages.run({}, call(signal)));
  offer("peers", "Known peers", (signal) => listPeers.run({}, call(signal)));
  offer("tasks", "Tasks of both sides that have not ended", (signal) => listTasks.run({ open: true }, call(signal)));
  const template = new ResourceTemplate(`${root}tasks/{task}`, { list: undefined });
  server.registerResource(
    "task",
    template,
    { title: "A task and all that happened to it", mimeType: json },
    async (uri, { task }, context) => contents(uri, context, (signal) => followTask.run({ task: String(task), wait_s: 0 }, call(signal))),
  );
}

async function contents(uri: URL, { mcpReq }: ServerContext, look: (signal: AbortSignal) => Promise<object>): Promise<ReadResourceResult> {
  const text = visibleJson(asReadable(await look(mcpReq.signal)));
  return { contents: [{ uri: uri.href, mimeType: json, text }] };
}
