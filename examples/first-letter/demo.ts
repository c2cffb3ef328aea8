/**
 * The first letter: two peers as processes of their own meet, prove who they are, and talk under encryption, while somebody listens on the wire and tries
 * a replay and a forgery; then one of them is away while a letter is written to it. Prints what was observed; exit 0 only if all of it was as it should be.
 * `npm run demo` runs it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Story } from "../story.ts";
import { Station } from "./program.ts";
import { type Overheard, Wiretap } from "./wiretap.ts";

interface Identity {
  readonly did: string;
  readonly fingerprint: string;
}

interface Pairing {
  readonly link: string;
  readonly candidate: { readonly did: string; readonly safetyNumber: string };
}

interface Receipt {
  readonly id: string;
  readonly stage: string;
  readonly problem?: string;
}

interface Explanation {
  readonly stage: string;
  readonly events: readonly { readonly kind: string }[];
}

/** What happens to a task, line by line. */
interface TaskLine {
  readonly state: string;
  readonly progress?: number;
  readonly detail?: string;
  readonly output?: unknown;
}

interface Inbox {
  readonly messages: readonly {
    readonly id: string;
    readonly sender: { readonly name: string; readonly trust: string };
    readonly body: { readonly text?: string };
  }[];
}

interface Scene {
  readonly story: Story;
  readonly desk: Station;
  readonly lap: Station;
  readonly deskId: Identity;
  readonly lapId: Identity;
  /** On the wire to the desk, and to the lap. */
  readonly toDesk: Wiretap;
  readonly toLap: Wiretap;
}

/** An identity, and where its peer listens behind the wiretap. */
interface Seat {
  readonly identity: Identity;
  readonly port: number;
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "hikyaku-demo-"));
  const story = new Story();
  try {
    await using toDesk = await Wiretap.start();
    await using toLap = await Wiretap.start();
    await using desk = new Station("desk", join(folder, "desk"));
    await using lap = new Station("lap", join(folder, "lap"));
    const { identity: deskId, port } = await bringUp(story, desk, toDesk);
    const { identity: lapId } = await bringUp(story, lap, toLap);
    const scene: Scene = { story, desk, lap, deskId, lapId, toDesk, toLap };
    await meet(scene);
    await talk(scene);
    await askAround(scene);
    await delegate(scene);
    await replay(scene);
    await tamper(scene);
    await away(scene, port);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return story.end();
}

/** A new identity and a running process behind the wiretap: peers are told the tap's address, and the tap leads on. */
async function bringUp(story: Story, station: Station, tap: Wiretap): Promise<Seat> {
  story.chapter(`${station.name} gets an identity and comes up`);
  const identity = await station.run<Identity>("init", "--name", station.name);
  story.tell(identity.did);
  story.tell(`fingerprint ${identity.fingerprint}`);
  const port = await freePort();
  tap.leadTo(port);
  await station.up("--listen", `127.0.0.1:${port}`, "--advertise", tap.address);
  return { identity, port };
}

async function meet({ story, desk, lap, deskId, lapId }: Scene): Promise<void> {
  story.chapter("The two pair by a link, and people compare the safety number");
  const inviting = desk.follow<Pairing, Pairing>("pair", "--name", "lap", "--allow", "message", "--yes");
  const { link } = await inviting.first;
  story.tell(`desk's link: ${link.replace(/token=.*/, "token=… (a secret, good once)")}`);
  const onLap = await lap.run<Pairing>("pair", link, "--name", "desk", "--allow", "message", "--yes");
  const onDesk = await inviting.last;
  story.tell(`desk shows ${onDesk.candidate.safetyNumber}`);
  story.tell(`lap shows  ${onLap.candidate.safetyNumber}`);
  story.see("the safety numbers are the same", onDesk.candidate.safetyNumber === onLap.candidate.safetyNumber, true);
  story.see("desk paired with lap's identity, and lap with desk's", [onDesk.candidate.did, onLap.candidate.did], [lapId.did, deskId.did]);
}

async function talk({ story, desk, lap, deskId, lapId, toDesk, toLap }: Scene): Promise<void> {
  story.chapter("They talk, both ways");
  const letter = await lap.run<Receipt>("send", "desk", "backup finished");
  story.see("lap sent a letter, and desk's sealed receipt says", letter.stage, "stored");
  story.see("desk reads", await read(desk), ["lap (trusted): backup finished"]);
  const reply = await desk.run<Receipt>("send", "lap", "thanks, well done");
  story.see("desk replied, and lap's sealed receipt says", reply.stage, "stored");
  story.see("lap reads", await read(lap), ["desk (trusted): thanks, well done"]);
  story.see("the letter went as a POST to desk, from", senders(toDesk, "message"), [lapId.did]);
  story.see("the reply went as a POST of its own to lap, from", senders(toLap, "message"), [deskId.did]);
  story.see("the wire saw neither text", [...toDesk.heard, ...toLap.heard].filter(leaks).length, 0);
}

async function askAround({ story, desk, lap }: Scene): Promise<void> {
  story.chapter("A ping, a status report and a question");
  const { ms } = await lap.run<{ readonly ms: number }>("ping", "desk");
  story.see("desk answered lap's ping", Number.isFinite(ms) && ms > 0, true);
  story.tell(`there and back in ${ms.toFixed(1)} ms`);
  const report = await lap.run<Receipt>("report", "desk", "idle", "nothing to do");
  story.see("lap reported, and desk's sealed receipt says", report.stage, "handled");
  const { peers } = await desk.run<{ readonly peers: readonly { readonly name: string; readonly status?: { readonly state?: string } }[] }>(
    "peers",
  );
  story.see(
    "desk knows how lap is",
    peers.map(({ name, status }) => `${name} ${status?.state}`),
    ["lap idle"],
  );
  const { accepts } = await lap.run<{ readonly accepts: readonly string[] }>("capabilities", "desk");
  story.see("lap asked what desk takes from it", accepts, ["status_report", "message", "task_update"]);
}

async function delegate({ story, desk, lap }: Scene): Promise<void> {
  story.chapter("Lap gives desk something to do, and a small program of desk's does it");
  await desk.run("trust", "lap", "--allow", "message,task_delegate");
  const serving = desk.follow("serve", "count-words", "--for", "lap", "--", process.execPath, "-e", wordCounter);
  await serving.first;
  const lines = await lap.runThrough<TaskLine>("delegate", "desk", "count-words", "--input", '"a long report for the desk"', "--follow");
  for (const { progress, detail } of lines) if (progress !== undefined) story.tell(`${Math.round(100 * progress)} %  ${detail}`);
  story.see("lap saw it begin, go on and end", [...new Set(lines.map(({ state }) => state))], ["submitted", "working", "completed"]);
  story.see("the output is", lines.at(-1)?.output, { words: 6 });
  serving.stop();
  await serving.last;
}

/** Any program will do: a task comes as a line of JSON, and what it says of it goes back as lines of JSON. */
const wordCounter = `
  let text = "";
  const say = (line) => console.log(JSON.stringify(line));
  process.stdin.on("data", (chunk) => (text += chunk)).on("end", () => {
    const words = JSON.parse(text).input.split(" ");
    say({ progress: 0.5, detail: "found the words" });
    setTimeout(() => say({ result: { words: words.length } }), 200);
  });
`;

async function replay({ story, desk, toDesk }: Scene): Promise<void> {
  story.chapter("Somebody on the wire sends the first letter again, byte for byte");
  const before = await count(desk, "refused.REPLAY_DETECTED");
  const letter = toDesk.heard.find(({ msgType }) => msgType === "message");
  if (letter === undefined) throw new Error("the wiretap heard no letter");
  const { status, body } = await toDesk.post(letter.body);
  const { replies } = JSON.parse(body) as { readonly replies?: readonly unknown[] };
  story.see("the copy is answered like any letter, with nothing in it", { status, replies }, { status: 200, replies: [] });
  story.see("the replay window counted it", (await count(desk, "refused.REPLAY_DETECTED")) - before, 1);
  story.see("desk has no new letter", await read(desk), []);
}

async function tamper({ story, desk, lap, toDesk }: Scene): Promise<void> {
  story.chapter("Somebody on the wire changes one letter of the next message");
  const before = await count(desk, "refused.DECRYPTION_FAILED");
  toDesk.forgeNext();
  const letter = await lap.run<Receipt>("send", "desk", "the genuine one");
  const [forgery] = toDesk.forgeries;
  story.see("the forged copy is refused", forgery?.status, 400);
  story.see("and told nothing but", forgery?.body, '{"error":{"code":"REJECTED","rehandshake":true}}');
  story.see("the seal did not fit", (await count(desk, "refused.DECRYPTION_FAILED")) - before, 1);
  story.see("the genuine one came through behind it", letter.stage, "stored");
  story.see("desk reads", await read(desk), ["lap (trusted): the genuine one"]);
}

async function away({ story, desk, lap, toDesk }: Scene, port: number): Promise<void> {
  story.chapter("Desk is switched off, lap writes all the same, and desk comes back");
  await desk.down();
  const letter = await lap.run<Receipt>("send", "desk", "when you are back");
  story.see("lap's letter is kept", letter.stage, "queued");
  story.tell(`because ${letter.problem}`);
  await desk.up("--listen", `127.0.0.1:${port}`, "--advertise", toDesk.address);
  story.see("desk reads it after its restart", await readSoon(desk), ["lap (trusted): when you are back"]);
  const { stage, events } = await soon(
    () => lap.run<Explanation>("explain", letter.id),
    (found) => found.stage !== "queued" && found.stage !== "stored",
  );
  story.see("and lap can explain what became of it", stage, "delivered");
  story.tell(events.map(({ kind }) => kind).join(", "));

  await lap.run("trust", "desk", "--at", `http://127.0.0.1:${port}`);
  await desk.down();
  await desk.up("--listen", `127.0.0.1:${port}`, "--advertise", `http://127.0.0.1:${port}`);
  await lap.run<Receipt>("send", "desk", "without anybody between us", "--wait", "stored");
  story.see("without the wiretap the two keep a stream between them", (await streams(lap)) > 0, true);
  story.see("desk reads", await readSoon(desk), ["lap (trusted): without anybody between us"]);
}

async function streams(station: Station): Promise<number> {
  const { sizes } = await station.run<{ readonly sizes: { readonly streams: { readonly held: number } } }>("stats");
  return sizes.streams.held;
}

const readSoon = (station: Station): Promise<readonly string[]> =>
  soon(
    () => read(station),
    (found) => found.length > 0,
  );

/** Asks until the answer is the one that is waited for, or for a minute. */
async function soon<Value>(ask: () => Promise<Value>, isThere: (value: Value) => boolean): Promise<Value> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const value = await ask();
    if (isThere(value) || Date.now() > deadline) return value;
    await delay(200);
  }
}

async function read(station: Station): Promise<readonly string[]> {
  const { messages } = await station.run<Inbox>("inbox");
  return messages.map(({ sender, body }) => `${sender.name} (${sender.trust}): ${body.text}`);
}

async function count(station: Station, name: string): Promise<number> {
  const { counters } = await station.run<{ readonly counters: Readonly<Record<string, number>> }>("stats");
  return counters[name] ?? 0;
}

const senders = ({ heard }: Wiretap, msgType: string): readonly string[] =>
  heard.filter((one) => one.msgType === msgType).map(({ senderId }) => senderId);

function leaks({ body }: Overheard): boolean {
  const { payload } = JSON.parse(body.toString()) as { readonly payload: { readonly data: string } };
  const bytes = Buffer.from(payload.data, "base64").toString("latin1");
  return bytes.includes("backup finished") || bytes.includes("well done");
}

/** A port that nobody has now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

process.exitCode = await main();
