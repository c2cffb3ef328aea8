/** Holds streams and remembers what they told, in order; a test says how long taking a frame takes. */
import type { Refusal, Stream, StreamHolder } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";

export type Told =
  | { readonly kind: "opened"; readonly stream: Stream }
  | { readonly kind: "frame"; readonly stream: Stream; readonly frame: Bytes }
  | { readonly kind: "refused"; readonly stream: Stream; readonly refusal: Refusal; readonly ref: string | undefined }
  | { readonly kind: "closed"; readonly stream: Stream; readonly reason: string };

type ToldOf<Kind extends Told["kind"]> = Extract<Told, { kind: Kind }>;

export class StreamWitness implements StreamHolder {
  readonly told: Told[] = [];
  /** What happens to a frame besides; nothing unless told. */
  work: (stream: Stream, frame: Bytes) => Promise<void> = async () => undefined;

  opened(stream: Stream): void {
    this.told.push({ kind: "opened", stream });
  }

  async frame(stream: Stream, frame: Bytes): Promise<void> {
    this.told.push({ kind: "frame", stream, frame });
    await this.work(stream, frame);
  }

  refused(stream: Stream, refusal: Refusal, ref: string | undefined): void {
    this.told.push({ kind: "refused", stream, refusal, ref });
  }

  closed(stream: Stream, reason: string): void {
    this.told.push({ kind: "closed", stream, reason });
  }

  all<Kind extends Told["kind"]>(kind: Kind): readonly ToldOf<Kind>[] {
    return this.told.filter((told): told is ToldOf<Kind> => told.kind === kind);
  }

  get frames(): readonly Bytes[] {
    return this.all("frame").map(({ frame }) => frame);
  }
}
