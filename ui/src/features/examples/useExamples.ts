import { useNavigate } from "@tanstack/react-router";
import { deployExample, type Example, type ExampleWish, listDeployments, listExamples } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct, useAll } from "@/api/queries";

export type ExampleKey = Example["key"];

/** Those that there are, with what each needs. They are asked anew with the servers: a program may be installed by then. */
export const useExamples = (workspace: string) =>
  useAll(workspace, "servers", ["examples"], (_, init) => listExamples(workspace, init));

/** Puts one online, and leads to where its log runs. Where it fails nothing was made, and it can be asked for again. */
export function useDeployExample(workspace: string, onDone?: () => void) {
  const navigate = useNavigate();
  const act = async (wish: ExampleWish) => {
    const instance = (await deployExample(workspace, wish)) as Instance;
    // Where this fails all the same it is deployed: then the list of deployments shows it.
    const newest = await listDeployments(workspace, instance.id, { limit: 1 }).then(
      ({ items }) => items[0]?.id,
      () => undefined,
    );
    return { instance, newest };
  };
  return useAct<ExampleWish, Awaited<ReturnType<typeof act>>>(workspace, {
    act,
    nouns: ["servers", "projects", "instances", "jobs", "counts"],
    onDone: ({ instance, newest }) => {
      onDone?.();
      const place = `/${workspace}/instances/${instance.slug}/deployments`;
      void navigate({ to: newest ? `${place}/${newest}` : place, ignoreBlocker: true });
    },
  });
}

/** Whether a project has the name that an example's is given: the first one, or one after it. */
export function isNamedAs(key: ExampleKey, slug: string): boolean {
  const rest = slug.startsWith(key) ? slug.slice(key.length) : null;
  return rest !== null && /^(-\d+)?$/.test(rest);
}
