/** What an agent may look at without calling a tool, and be told of when it changes: the inbox, the peers, the tasks. */
import { type McpServer, type ReadResourceResult, ResourceTemplate } from "@modelcontextprotocol/server";
import { visibleJson } from "../text/visible.ts";
import { readMessages } from "./message-tools.ts";
import { listPeers } from "./peer-tools.ts";
import { asReadable } from "./quoted.ts";
import { followTask, listTasks } from "./task-tools.ts";
import type { ToolDesk } from "./tool-desk.ts";
import type { Subject } from "./waiting.ts";

const root = "hikyaku://";
export const resourceOf = (subject: Subject): string => `${root}${subject}`;

const mimeType = "application/json";

export function offerResources(server: McpServer, desk: ToolDesk): void {
  const views = [
    { subject: "inbox", title: "Messages that nobody has marked as read", tool: readMessages, given: {} },
    { subject: "peers", title: "Known peers", tool: listPeers, given: {} },
    { subject: "tasks", title: "Tasks of both sides that have not ended", tool: listTasks, given: { open: true } },
  ] as const;
  for (const { subject, title, tool, given } of views)
    server.registerResource(subject, resourceOf(subject), { title, mimeType }, async (uri, context) =>
      contents(uri, await desk.look(tool.run, given, context)),
    );
  const template = new ResourceTemplate(`${root}tasks/{task}`, { list: undefined });
  server.registerResource("task", template, { title: "A task and all that happened to it", mimeType }, async (uri, { task }, context) =>
    contents(uri, await desk.look(followTask.run, { task: String(task), wait_s: 0 }, context)),
  );
}

const contents = (uri: URL, value: object): ReadResourceResult => ({
  contents: [{ uri: uri.href, mimeType, text: visibleJson(asReadable(value)) }],
});
