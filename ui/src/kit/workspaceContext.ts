import { createContext } from "react";
import type { Tagged } from "@/api/client";
import type { Workspace } from "@/api/nouns";

/** The workspace whose pages these are; null outside of one. The frame gives it. */
export const WorkspaceContext = createContext<Tagged<Workspace> | null>(null);
