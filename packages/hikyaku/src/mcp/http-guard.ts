/**
 * What is asked of a request over HTTP before anything else of it is looked at (spec MCP-2 to MCP-4): a loopback name, no foreign page, the agent's token; then, that it asks for what there is.
 */
import type { IncomingMessage } from "node:http";
import { faultOf } from "../loopback/caller.ts";
import { refuse } from "./http-refusal.ts";

export const mcpPath = "/mcp";
const methods = ["GET", "POST", "DELETE"];

export function guard({ headers, url, method }: IncomingMessage, isToken: (offered: string) => boolean): Response | undefined {
  switch (faultOf(headers, isToken)) {
    case "name":
      return refuse("foreign", "This server answers to loopback names only.");
    case "origin":
      return refuse("foreign", "This server answers no other site's pages.");
    case "token":
      return refuse("unauthorized", "This server wants the agent's token: Authorization: Bearer TOKEN.");
    default:
      if (url?.split("?", 1)[0] !== mcpPath) return refuse("nowhere", `There is nothing here but ${mcpPath}.`);
      return methods.includes(method ?? "") ? undefined : refuse("method", `${mcpPath} takes ${methods.join(", ")}.`);
  }
}
