import { HikyakuError, silence } from "x";
