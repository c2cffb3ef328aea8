/** What a client over HTTP gets in place of an answer: a status, and the reason in the form of JSON-RPC. */

interface Form {
  readonly status: number;
  /** -32000 where JSON-RPC and MCP have no number of their own. */
  readonly code: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Reason =
  | "foreign"
  | "unauthorized"
  | "nowhere"
  | "method"
  | "media"
  | "large"
  | "overloaded"
  | "malformed"
  | "sessionless"
  | "ended";

/** Where the body has not been read the connection ends: Node would read on to the end of it. */
const ends = { connection: "close" };

const forms: Readonly<Record<Reason, Form>> = {
  foreign: { status: 403, code: -32_000, headers: ends },
  unauthorized: { status: 401, code: -32_000, headers: { ...ends, "www-authenticate": 'Bearer realm="hikyaku"' } },
  nowhere: { status: 404, code: -32_000, headers: ends },
  method: { status: 405, code: -32_000, headers: { ...ends, allow: "GET, POST, DELETE" } },
  media: { status: 415, code: -32_000, headers: ends },
  large: { status: 413, code: -32_000, headers: ends },
  overloaded: { status: 503, code: -32_000, headers: { ...ends, "retry-after": "5" } },
  malformed: { status: 400, code: -32_700 },
  sessionless: { status: 400, code: -32_000 },
  ended: { status: 404, code: -32_001 },
};

export function refuse(why: Reason, message: string): Response {
  const { status, code, headers } = forms[why];
  const body = { jsonrpc: "2.0", id: null, error: { code, message } };
  return Response.json(body, { status, ...(headers === undefined ? {} : { headers }) });
}
