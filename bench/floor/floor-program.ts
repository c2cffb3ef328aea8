/** Measures the floors in a process of its own, as rows are measured. */
import { answerQuestions } from "../process/questions.ts";
import { measureFloors } from "./floors.ts";
import { measureSignatures } from "./signatures.ts";

answerQuestions({ floors: measureFloors, signatures: measureSignatures });
