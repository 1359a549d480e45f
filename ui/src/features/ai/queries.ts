// What the AI pages ask for. Only owners' pages do, so it isn't loaded with the others.

import { useQuery } from "@tanstack/react-query";
import type { Tagged } from "@/api/client";
import { type Ai, listAiModels, previewAi, viewAi, viewAiUsage } from "@/api/generated";
import type { Problem } from "@/api/problem";

// Below the workspace's own key: its event makes them be asked anew.
export const aiKey = (workspace: string) => [workspace, "workspace", "ai", "settings"] as const;

export const useAi = (workspace: string) =>
  useQuery<Tagged<Ai>, Problem>({
    queryKey: aiKey(workspace),
    queryFn: async ({ signal }) => (await viewAi(workspace, { signal })) as Tagged<Ai>,
  });

/** The provider's own list, by the settings as they are saved. */
export const useModels = (workspace: string, etag: string | null, enabled: boolean) =>
  useQuery<string[], Problem>({
    queryKey: [workspace, "ai-models", etag],
    queryFn: async ({ signal }) => (await listAiModels(workspace, { signal })).items,
    enabled,
    retry: false,
  });

export const useUsage = (workspace: string) =>
  useQuery({
    queryKey: [workspace, "workspace", "ai", "usage"],
    queryFn: ({ signal }) => viewAiUsage(workspace, { signal }),
  });

export const usePreview = (workspace: string, text: string) =>
  useQuery({
    queryKey: [workspace, "ai-preview", text],
    queryFn: ({ signal }) => previewAi(workspace, { text }, { signal }),
    // What was seen last stays until the next is there: no flicker while somebody types.
    placeholderData: (before) => before,
    gcTime: 0,
  });
