/** The bearer token of the control listener (spec §13): made at every start, so that one that leaked is worth nothing after the next. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { decodeHex } from "@hikyaku/protocol";

const tokenBytes = 32;

export const newControlToken = (): string => randomBytes(tokenBytes).toString("hex");

export const isControlToken = (text: string): boolean => decodeHex(text, tokenBytes) !== undefined;

/** Compares digests, so that the time taken tells neither the length nor the first difference. */
export const isSameToken = (offered: string, token: string): boolean => timingSafeEqual(digest(offered), digest(token));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
