/**
 * The network between simulated machines. It loses, repeats, delays, bends and cuts, as its climate says: exchanges may lose their request or their answer, streams keep
 * their order and may stall or break at any frame. It looks into what it carries as an eavesdropper would (I9), and it bends bits as a forger would (I2, I5).
 */
import type { Dialer, DialOptions, Exchange, Link, Listener, Origin, Receiver, Reception, StreamHolder } from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { type Climate, calmDelayMs } from "./climate.ts";
import type { Dice } from "./dice.ts";
import { type Life, never } from "./life.ts";
import { genuineFollows, SimStream, Wire } from "./sim-stream.ts";
import { count, type Tally } from "./tally.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** A machine as the network knows it. */
export interface Host {
  readonly name: string;
  /** None where nobody can call it. */
  readonly address: string | undefined;
  readonly speaksStreams: boolean;
  /** The program that listens there now. */
  program?: Program | undefined;
}

export interface Program {
  readonly life: Life;
  readonly receiver: Receiver;
  readonly holder: StreamHolder;
}

/** What looks at the wire. */
interface Observer {
  /** A frame sets out. */
  readonly sent: (from: string, to: string, frame: Bytes) => void;
  /** A frame is handed over at a listener or on a stream. */
  readonly arrived: (to: string) => void;
  /** A frame that somebody bent is about to arrive at a listener or on a stream. */
  readonly bent: (to: string, original: Bytes) => void;
  /** The untouched twin of a bent frame is about to arrive, for the first time. */
  readonly genuine: (to: string, frame: Bytes) => void;
  /** The answer to a bent frame. */
  readonly bentAnswered: (to: string, reception: Reception) => void;
}

export interface NetworkParts {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly climate: Climate;
  readonly tally: Tally;
  readonly trace: Trace;
  readonly observer: Observer;
}

/** How one piece of data crosses the network. */
interface Passage {
  readonly delayMs: number;
  readonly isBent: boolean;
}

const hourMs = 3_600_000;

export class Network {
  readonly parts: NetworkParts;
  readonly #hosts = new Map<string, Host>();
  readonly #byAddress = new Map<string, Host>();
  readonly #cuts = new Map<string, number>();
  readonly #wires = new Set<Wire>();
  readonly #calledBefore = new Set<string>();

  constructor(parts: NetworkParts) {
    this.parts = parts;
  }

  add(host: Host): void {
    this.#hosts.set(host.name, host);
    if (host.address !== undefined) this.#byAddress.set(host.address, host);
  }

  /** Nothing crosses from one machine to another for a while; the other way may still be open. */
  cut(from: string, to: string, ms: number): void {
    this.#cuts.set(`${from}>${to}`, this.parts.timeline.now + ms);
  }

  heal(): void {
    this.#cuts.clear();
    for (const wire of this.#wires) wire.heal();
  }

  /** A machine fell silent: whoever was connected to it learns so, sooner or later. */
  abandon(name: string): void {
    for (const wire of this.#wires) if (wire.joins(name)) this.#break(wire);
  }

  listener(host: Host, life: Life): Listener {
    return {
      addresses: host.address === undefined ? [] : [host.address],
      start: async (receiver, holder) => {
        if (!life.acts()) return await never();
        host.program = { life, receiver, holder };
      },
      [Symbol.asyncDispose]: async () => {
        if (host.program?.life === life) host.program = undefined;
        for (const wire of this.#wires) wire.endOf(host.name)?.close("the listener closes");
      },
    };
  }

  dialer(host: Host, life: Life): Dialer {
    return {
      dial: (address, options) => (life.acts() ? this.#dial(host, life, address, options) : never()),
      [Symbol.asyncDispose]: async () => {
        for (const wire of this.#wires) wire.endOf(host.name)?.close("the dialer closes");
      },
    };
  }

  /** Milliseconds until what crosses now until arrives; undefined where it is lost. */
  isCut(from: string, to: string): boolean {
    return (this.#cuts.get(`${from}>${to}`) ?? 0) > this.parts.timeline.now;
  }

  delay(): number {
    const { dice, climate } = this.parts;
    if (climate.isSteady) return climate.delayMsMin + calmDelayMs;
    return dice.between(climate.delayMsMin, climate.isCalm ? climate.delayMsMin + calmDelayMs : climate.delayMsMax);
  }

  chance(kind: "loss" | "duplication" | "flip" | "longDelay" | "streamBreak" | "stall"): boolean {
    const { dice, climate } = this.parts;
    return !climate.isCalm && climate[kind] > 0 && dice.chance(climate[kind]);
  }

  /** A copy with one bit turned. */
  bend(frame: Bytes): Bytes {
    const { dice, tally } = this.parts;
    count(tally, "fault: bit flipped");
    const index = dice.between(0, frame.length - 1);
    return frame.with(index, (frame[index] ?? 0) ^ (1 << dice.between(0, 7))) as Bytes;
  }

  drop(wire: Wire): void {
    this.#wires.delete(wire);
  }

  /** Frames in flight are lost, and each side learns of it in its own time. */
  breakAtRandom(wire: Wire): void {
    count(this.parts.tally, "fault: stream broken");
    this.#break(wire);
  }

  #break(wire: Wire): void {
    wire.break(() => this.#noticeMs());
  }

  #noticeMs(): number {
    const { dice, climate } = this.parts;
    if (climate.isCalm || dice.chance(1 / 2)) return dice.between(0, 1_000);
    return dice.stretched(1_000, limits.linkIdleMsMax);
  }

  async #dial(from: Host, life: Life, address: string, { isAllowed, signal, holder }: DialOptions): Promise<Link> {
    const to = this.#byAddress.get(address);
    const name = new URL(address).hostname;
    if (!isAllowed(name, "public")) throw new HikyakuError("UNREACHABLE", `${address} is not dialled: nobody permitted it.`);
    const origin: Origin = { host: name, prefix: name };
    if (to !== undefined && !to.speaksStreams) return this.#exchange(from, to, life, origin);
    await this.#connect(from, to, address, signal);
    if (life.isOver) return await never();
    if (to?.program === undefined) throw new HikyakuError("UNREACHABLE", `${address} refused the connection.`);
    return this.#stream(from, to, life, to.program, holder, origin);
  }

  /** The first packets there and back. */
  #connect(from: Host, to: Host | undefined, address: string, signal: AbortSignal): Promise<void> {
    const { timeline, tally } = this.parts;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const isLost = to === undefined || this.isCut(from.name, to.name) || this.isCut(to.name, from.name) || this.chance("loss");
    const isRefused = to?.program === undefined;
    if (isLost || isRefused) count(tally, "fault: dial failed");
    const plan = isLost
      ? timeline.after(limits.connectTimeoutMsMax, () => reject(new HikyakuError("UNREACHABLE", `${address} did not answer.`)))
      : timeline.after(2 * this.delay(), () =>
          isRefused ? reject(new HikyakuError("UNREACHABLE", `${address} refused the connection.`)) : resolve(),
        );
    const cancel = (): void => {
      plan.cancel();
      reject(new HikyakuError("CANCELED", `The call to ${address} was called off.`));
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    return promise.finally(() => signal.removeEventListener("abort", cancel));
  }

  #stream(from: Host, to: Host, life: Life, program: Program, holder: StreamHolder, origin: Origin): SimStream {
    const pair = `${from.name}>${to.name}`;
    if (this.#calledBefore.has(pair)) count(this.parts.tally, "recovery: stream dialled again");
    this.#calledBefore.add(pair);
    const wire = new Wire(this);
    const near = new SimStream(wire, { name: from.name, life, holder, origin, route: `ws://${to.name}`, isOurs: true });
    const callerOrigin: Origin = { host: from.name, prefix: from.name };
    const far = new SimStream(wire, {
      name: to.name,
      life: program.life,
      holder: program.holder,
      origin: callerOrigin,
      route: `its call from ${from.name}`,
      isOurs: false,
    });
    wire.join(near, far);
    this.#wires.add(wire);
    program.holder.opened(far);
    return near;
  }

  #exchange(from: Host, to: Host, life: Life, origin: Origin): Exchange {
    return {
      kind: "exchange",
      origin,
      route: to.address ?? to.name,
      deliver: (frame, signal) => (life.acts() ? this.#deliver(from, to, life, frame, signal) : never()),
    };
  }

  #deliver(from: Host, to: Host, life: Life, frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const { timeline, tally, observer, trace } = this.parts;
    observer.sent(from.name, to.name, frame);
    trace.frame(`${from.name} => ${to.name}`, frame);
    const { promise, resolve, reject } = Promise.withResolvers<Reception>();
    const fail = (error: HikyakuError): void => (life.isOver ? undefined : reject(error));
    const patience = timeline.after(limits.answerMsMax, () => fail(new HikyakuError("TIMED_OUT", `${to.name} gave no answer.`)));
    const cancel = (): void => fail(new HikyakuError("CANCELED", `The call to ${to.name} was called off.`));
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    const answer = (reception: Reception): void => {
      if (!life.isOver) resolve(reception);
    };
    const passages = this.#passages(from.name, to.name);
    if (passages.length > 1) count(tally, "fault: duplicated");
    else if (passages[0]?.isBent === true) this.#followUp(from, to, frame, passages[0].delayMs);
    passages.forEach(({ delayMs, isBent }, index) => {
      const isFirst = index === 0;
      timeline.after(delayMs, () =>
        this.#arrive(
          from,
          to,
          frame,
          isBent,
          isFirst ? answer : undefined,
          isFirst ? () => timeline.after(this.delay(), () => fail(refusedConnection(to))) : undefined,
        ),
      );
    });
    return promise.finally(() => {
      patience.cancel();
      signal.removeEventListener("abort", cancel);
    });
  }

  /** Who bends a frame may let the genuine one go on behind it. */
  #followUp(from: Host, to: Host, frame: Bytes, delayMs: number): void {
    const { timeline, dice, observer } = this.parts;
    if (!dice.chance(genuineFollows)) return;
    timeline.after(delayMs + this.delay() + 1, () => {
      if (to.program?.life.isOver !== false) return;
      observer.genuine(to.name, frame);
      this.#arrive(from, to, frame, false, undefined, undefined);
    });
  }

  #passages(from: string, to: string): readonly Passage[] {
    const { tally, dice } = this.parts;
    const copies = this.chance("duplication") ? 2 : 1;
    const passages: Passage[] = [];
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.isCut(from, to)) count(tally, "fault: cut off");
      else if (copy === 0 && this.chance("loss")) count(tally, "fault: request lost");
      else passages.push(this.#passage(copy > 0 || this.chance("longDelay"), dice));
    }
    return passages;
  }

  #passage(isLate: boolean, dice: Dice): Passage {
    const { tally } = this.parts;
    if (isLate) count(tally, "fault: late copy");
    return { delayMs: this.delay() + (isLate ? dice.stretched(10, 3 * hourMs) : 0), isBent: this.chance("flip") };
  }

  #arrive(
    from: Host,
    to: Host,
    frame: Bytes,
    isBent: boolean,
    answer: ((reception: Reception) => void) | undefined,
    refuse: (() => void) | undefined,
  ): void {
    const { program } = to;
    if (program === undefined || program.life.isOver) return refuse?.();
    const { observer } = this.parts;
    const arrived = isBent ? this.bend(frame) : frame.slice();
    if (isBent) observer.bent(to.name, frame);
    observer.arrived(to.name);
    void program.receiver(arrived, { host: from.name, prefix: from.name }).then((reception) => {
      if (isBent) observer.bentAnswered(to.name, reception);
      if (answer !== undefined && !program.life.isOver) this.#answer(from, to, frame, reception, answer);
    });
  }

  #answer(from: Host, to: Host, frame: Bytes, reception: Reception, answer: (reception: Reception) => void): void {
    const { timeline, tally } = this.parts;
    if (reception.kind === "received")
      for (const reply of reception.replies) {
        this.parts.observer.sent(to.name, from.name, reply);
        this.parts.trace.frame(`${to.name} <= ${from.name}`, reply);
      }
    else this.parts.trace.tell(() => `${to.name} <= ${from.name}  refuses: ${reception.code}`);
    if (this.isCut(to.name, from.name)) return count(tally, "fault: cut off");
    // There are fewer answers than requests, and losing one is what leaves a sender in doubt.
    if (this.chance("loss") || this.chance("loss")) return count(tally, "fault: answer lost");
    const rolls = isConfirm(frame) ? confirmRolls : 1;
    const isLate = this.chance("longDelay");
    timeline.after(this.delay() + (isLate ? this.parts.dice.stretched(10, hourMs) : 0), () => answer(this.#bendReplies(reception, rolls)));
  }

  #bendReplies(reception: Reception, rolls: number): Reception {
    if (reception.kind === "refused") return reception;
    const isBent = (): boolean => Array.from({ length: rolls }).some(() => this.chance("flip"));
    return { ...reception, replies: reception.replies.map((reply) => (isBent() ? this.bend(reply) : reply.slice())) };
  }
}

/** There are few third messages of a handshake, and what has to happen when READY does not open should happen often. */
const confirmRolls = 26;
const confirmMark = Buffer.from('"msg_type":"handshake_confirm"');
const isConfirm = (frame: Bytes): boolean => Buffer.from(frame.buffer, frame.byteOffset, frame.length).includes(confirmMark);

const refusedConnection = ({ name }: Host): HikyakuError => new HikyakuError("UNREACHABLE", `${name} refused the connection.`);
