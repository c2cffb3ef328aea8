/** What a trusted peer may be allowed to do, one word each (spec TRUST-2). Whatever is not listed here needs no scope. */

export const scopes = ["message", "task_delegate", "wake_up", "relay", "mailbox", "group", "chunk"] as const;
export type Scope = (typeof scopes)[number];

export const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text);
