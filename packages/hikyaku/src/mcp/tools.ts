/** Every tool that an agent gets, the same for all of them: what one may do is judged call by call. */
import { explainMessage, markMessages, readMessages, sendMessage } from "./message-tools.ts";
import { listCapabilities, listPeers, peerStatus, wakePeer, whoAmI } from "./peer-tools.ts";
import { answerTask, cancelTask, delegateTask, followTask, getTask, listTasks } from "./task-tools.ts";
import type { Tool } from "./tool.ts";

export const tools: readonly Tool[] = [
  whoAmI,
  listPeers,
  peerStatus,
  listCapabilities,
  sendMessage,
  explainMessage,
  readMessages,
  markMessages,
  delegateTask,
  followTask,
  listTasks,
  getTask,
  answerTask,
  cancelTask,
  wakePeer,
];
