/** Two peers, desk and lap, on one clock that the test turns: where most stories of the engine begin. */
import { ManualClock } from "./manual-clock.ts";
import { type PeerOptions, type Resident, World } from "./world.ts";

export interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly clock: ManualClock;
  readonly desk: Resident;
  readonly lap: Resident;
}

export interface MeetingOptions {
  readonly desk?: PeerOptions;
  readonly lap?: PeerOptions;
}

export async function meetAsStrangers(options: MeetingOptions = {}): Promise<Meeting> {
  const world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock, ...options.desk });
  const lap = await world.peer("lap", { clock, ...options.lap });
  return { world, clock, desk, lap, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** They trust each other with messages. */
export async function meetAsFriends(options: MeetingOptions = {}): Promise<Meeting> {
  const meeting = await meetAsStrangers(options);
  await meeting.world.introduce(meeting.desk, meeting.lap);
  return meeting;
}
