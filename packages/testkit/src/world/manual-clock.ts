import type { Clock, Timer } from "@hikyaku/peer";

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that a test turns by hand; timers run in order as it is turned. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(now: number = Date.parse("2026-02-01T00:00:00.000Z")) {
    this.#now = now;
  }

  /** Whole milliseconds, as the system's. */
  now(): number {
    return Math.floor(this.#now);
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(delayMs: number, callback: () => void): Timer {
    // Whole milliseconds, as a machine counts them.
    const alarm: Alarm = { at: this.#elapsed + Math.ceil(delayMs), callback };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Moves the wall clock alone, as an operator or NTP might. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets time pass while nobody acts, as on a machine too busy to run its timers: they run late, with the next `pass`. */
  stall(ms: number): void {
    this.#advance(ms);
  }

  /** Lets time pass, in steps from alarm to alarm, and lets what was started before and by each alarm settle before the next. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#advance(next.at - this.#elapsed);
      this.#alarms.delete(next);
      next.callback();
      await settle();
    }
    this.#advance(end - this.#elapsed);
    await settle();
  }

  #advance(ms: number): void {
    this.#elapsed += ms;
    this.#now += ms;
  }

  #nextBefore(end: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) if (alarm.at <= end && (next === undefined || alarm.at < next.at)) next = alarm;
    return next;
  }
}

/** Until everything that is only waiting for other promises has run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Until everything that needs no time has happened, however many settle one after the other. */
export async function still(): Promise<void> {
  for (let turn = 0; turn < stillTurns; turn += 1) await settle();
}

const stillTurns = 30;
