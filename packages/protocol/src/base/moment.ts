/**
 * One instant as its caller read it from two clocks. The core has none of its own: whoever calls it reads both and hands them in.
 * What the wall clock says goes into stamps and is compared with stamps; how long something lasted is told by the monotonic clock alone, because the wall clock
 * may be set either way while it lasts (spec LIFE-6).
 */
export interface Moment {
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  /** Monotonic milliseconds from an arbitrary start. */
  readonly elapsed: number;
}
