/** How the connections to other hosts are held (spec §11). */
import { limits } from "@hikyaku/protocol";

export interface PoolBounds {
  readonly connectMsMax: number;
  readonly answerMsMax: number;
  readonly poolsMax: number;
}

export const defaultPoolBounds: PoolBounds = {
  connectMsMax: limits.connectTimeoutMsMax,
  answerMsMax: limits.answerMsMax,
  poolsMax: limits.linkPoolsMax,
};
