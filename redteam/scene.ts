/** What an attack finds when it begins: a node, a pinned puppet with a session, sources to attack from, and a place to say what came out wrong. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { encodeEnvelope } from "@hikyaku/protocol";
import { Callee } from "./callee.ts";
import { Ear } from "./ear.ts";
import { Puppet, type PuppetSession } from "./puppet.ts";
import { Crowd, Source } from "./source.ts";
import { type Snapshot, Target } from "./target.ts";

export interface SceneSettings {
  readonly program: string;
  readonly folder: string;
  readonly flags?: readonly string[];
}

/** So many sources share the requests of one attack: fewer than a hundred each, where a prefix may send three hundred at once. */
const crowdSize = 32;
const wrongsMax = 12;

export class Scene implements AsyncDisposable {
  readonly target: Target;
  readonly puppet: Puppet;
  readonly crowd: Crowd;
  readonly wrongs: string[] = [];
  /** The session that the twins go through. */
  session: PuppetSession;
  /** What the node must still be after the attack, apart from the rises that the attack names. */
  before: Snapshot = { counters: {}, inbox: [], peers: {} };
  readonly #settings: SceneSettings;
  readonly #held: AsyncDisposableStack;
  #names = 0;

  private constructor(parts: Pick<Scene, "target" | "puppet" | "crowd" | "session">, settings: SceneSettings, held: AsyncDisposableStack) {
    this.target = parts.target;
    this.puppet = parts.puppet;
    this.crowd = parts.crowd;
    this.session = parts.session;
    this.#settings = settings;
    this.#held = held;
  }

  static async open(settings: SceneSettings): Promise<Scene> {
    await using opening = new AsyncDisposableStack();
    const target = opening.use(await Target.start({ ...settings, folder: join(settings.folder, "target") }));
    const puppet = new Puppet(opening.use(new Source("127.0.2.1")));
    const crowd = opening.use(new Crowd(Array.from({ length: crowdSize }, (_, at) => `127.3.${at + 1}.1`)));
    await target.trust(puppet.did, "puppet");
    const session = await puppet.connect(target);
    return new Scene({ target, puppet, crowd, session }, settings, opening.move());
  }

  /** From here on nothing may change: called once more by attacks that change something lawfully first. */
  async rebase(): Promise<void> {
    this.before = await this.target.snapshot();
  }

  /** One more honest peer, pinned, with an address of its own to call from and maybe one to be called at. */
  async newcomer(addresses: readonly string[] = []): Promise<Puppet> {
    const puppet = this.stranger();
    await this.target.trust(puppet.did, puppet.source.address, addresses);
    return puppet;
  }

  /** A pinned peer that the node can call. */
  async callee(): Promise<Callee> {
    const ear = this.#held.use(await Ear.open("127.0.2.1"));
    return new Callee(this.target, { puppet: await this.newcomer([ear.address]), ear });
  }

  /** Somebody whom the node does not know. */
  stranger(): Puppet {
    this.#names += 1;
    return new Puppet(this.#held.use(new Source(`127.0.${this.#names + 100}.1`)));
  }

  /** A second node; the puppet is pinned there, too. */
  async otherTarget(): Promise<Target> {
    this.#names += 1;
    const { program, folder } = this.#settings;
    const other = this.#held.use(await Target.start({ program, folder: join(folder, `other${this.#names}`) }));
    await other.trust(this.puppet.did, "puppet");
    return other;
  }

  /** Notes what was found where it is not what was wanted. */
  readonly expect = (what: string, found: unknown, wanted: unknown): void => {
    if (isDeepStrictEqual(found, wanted) || this.wrongs.length >= wrongsMax) return;
    this.wrongs.push(`${what}: ${show(found)}, and it should be ${show(wanted)}`);
  };

  /** An honest letter in the middle of an attack, which has to arrive; its id. */
  async talkMeanwhile(): Promise<string> {
    const { id, envelope } = this.session.letter("meanwhile");
    const { replies } = await this.session.deliver(encodeEnvelope(envelope));
    this.expect(
      "an honest letter meanwhile",
      replies.map(({ body }) => body),
      [{ ids: [id], stage: "stored" }],
    );
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

const showLengthMax = 300;
const show = (value: unknown): string => (JSON.stringify(value instanceof Set ? [...value] : value) ?? "undefined").slice(0, showLengthMax);
