/** Our own sentences, as an agent gets them outside of any frame (spec DATA-1): without the addresses in them, since those are what peers say of themselves, and a name of a host can be a sentence. */
import { readable } from "../text/visible.ts";

export const ownWords = (sentence: string): string => readable(sentence.replaceAll(/\b(?:https?|wss?):\/\/\S+/g, "(an address)"));
