/**
 * A pipeline: lap asks an editor for a leaflet, the editor hands its text on to a translator, and the translator hands what it made on to a printer. Each knows only its
 * neighbours, and the answer comes back the way the work went. The budget that lap gives bounds how often its task may be handed on.
 */
import { createPeer, type Peer } from "hikyaku";
import { Folder } from "../folder.ts";
import { Story } from "../story.ts";

interface Leaflet {
  readonly text: string;
}

interface Printed {
  readonly pages: readonly string[];
}

const pageLength = 12;

async function main(): Promise<number> {
  const story = new Story();
  using folder = new Folder();
  await using lap = await createPeer({ folder: folder.for("lap"), listen: "127.0.0.1:0" });
  await using editor = await createPeer({ folder: folder.for("editor"), listen: "127.0.0.1:0" });
  await using translator = await createPeer({ folder: folder.for("translator"), listen: "127.0.0.1:0" });
  await using printer = await createPeer({ folder: folder.for("printer"), listen: "127.0.0.1:0" });
  await introduce({ peer: lap, name: "lap" }, { peer: editor, name: "editor" });
  await introduce({ peer: editor, name: "editor" }, { peer: translator, name: "translator" });
  await introduce({ peer: translator, name: "translator" }, { peer: printer, name: "printer" });

  await editor.capability<Leaflet>(
    "leaflet",
    { description: "Edits a text and has it translated and printed." },
    async ({ input }, context) => {
      await context.progress(0.1, "editing");
      const task = await context.delegate("translator", "translate", { text: input.text.trim() });
      return await task.result({ signal: context.signal });
    },
  );
  await translator.capability<Leaflet>("translate", {}, async ({ input }, context) => {
    const text = input.text.replaceAll("couriers", "hikyaku");
    const task = await context.delegate("printer", "print", { text });
    return await task.result({ signal: context.signal });
  });
  await printer.capability<Leaflet, Printed>("print", { idempotent: true }, ({ input, chain, from }) => {
    story.tell(`the printer has "${input.text}" from ${from.name}, ${chain.depth} delegations away from whoever wanted it`);
    return { pages: input.text.match(new RegExp(`.{1,${pageLength}}`, "g")) ?? [] };
  });

  story.chapter("Lap orders a leaflet, and it goes through three hands");
  const task = await lap.delegate("editor", "leaflet", { text: " couriers run day and night " });
  for await (const { state, detail } of task) story.tell(`lap hears: ${state}${detail === undefined ? "" : `, ${detail}`}`);
  story.see("lap has the pages", await task.result(), { pages: ["hikyaku run ", "day and nigh", "t"] });

  story.chapter("A budget of one further task ends at the translator");
  const bounded = await lap.delegate("editor", "leaflet", { text: "couriers" }, { budget: 1 });
  const refused = await bounded.result().catch((error: unknown) => error);
  story.see(
    "the leaflet is not printed",
    refused instanceof Error ? refused.message : refused,
    "The task failed (HANDLER_FAILED: The handler failed).",
  );
  const [handedOn] = await translator.tasks({ role: "worker", limit: 1 });
  story.see("the translator's part had nothing left to give", handedOn?.chain, { depth: 1, budget: 0 });
  return story.end();
}

interface Named {
  readonly peer: Peer;
  readonly name: string;
}

/** The second one works for the first. On two machines people would pass the link on and compare the safety number. */
async function introduce(requester: Named, worker: Named): Promise<void> {
  const invitation = worker.peer.invite({ name: requester.name, allow: ["task_delegate"] });
  await requester.peer.accept(invitation.link, { name: worker.name, allow: [] });
  await invitation.paired;
}

process.exitCode = await main();
