/** The bounds of one stream; tests tighten them. */
import { limits } from "@hikyaku/protocol";

export interface StreamBounds {
  readonly framesInWorkMax: number;
  readonly unsentBytesMax: number;
  readonly idleMsMax: number;
  readonly ageMsMax: number;
  readonly stallMsMax: number;
  readonly closeMsMax: number;
}

export const defaultStreamBounds: StreamBounds = {
  framesInWorkMax: limits.streamFramesInWorkMax,
  unsentBytesMax: limits.streamUnsentBytesMax,
  idleMsMax: limits.linkIdleMsMax,
  ageMsMax: limits.streamMsMax,
  stallMsMax: limits.streamStallMsMax,
  closeMsMax: limits.streamCloseMsMax,
};
