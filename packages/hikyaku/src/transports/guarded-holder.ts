/** The holder behind a listener or dialer, with the promise that no frame from the network brings this process down: a mistake of ours is logged, and its stream ends. */
import { type Log, type Stream, type StreamHolder, traceOf } from "@hikyaku/peer";

export function guardHolder(holder: StreamHolder, log: Log): StreamHolder {
  const report = (error: unknown, stream: Stream): void => {
    log.write("error", "stream.failed", { host: stream.origin.host, reason: traceOf(error) });
    stream.close("an internal error");
  };
  const guard = (stream: Stream, work: () => void): void => {
    try {
      work();
    } catch (error) {
      report(error, stream);
    }
  };
  return {
    opened: (stream) => guard(stream, () => holder.opened(stream)),
    async frame(stream, frame) {
      try {
        await holder.frame(stream, frame);
      } catch (error) {
        report(error, stream);
      }
    },
    refused: (stream, refusal, ref) => guard(stream, () => holder.refused(stream, refusal, ref)),
    closed(stream, reason) {
      log.write("debug", "stream.closed", { host: stream.origin.host, reason });
      guard(stream, () => holder.closed(stream, reason));
    },
  };
}
