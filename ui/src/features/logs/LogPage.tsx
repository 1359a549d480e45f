import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Deployment, Instance } from "@/api/nouns";
import { LogView } from "./LogView";

type Props = { workspace: string; instance: Instance; newest: Deployment | undefined };

/** The application's log, or that of its newest deployment. */
export function LogPage({ workspace, instance, newest }: Props) {
  const { of } = useSearch({ strict: false }) as { of?: string };
  const navigate = useNavigate();
  const isDeployment = of === "deployment" && newest !== undefined;
  const choose = (value: string) =>
    void navigate({
      to: ".",
      search: (value === "deployment" ? { of: value } : {}) as never,
      hash: "",
      replace: true,
      resetScroll: false,
    });
  return (
    <LogView
      key={isDeployment ? newest.id : "application"}
      workspace={workspace}
      instance={instance.id}
      isWhole
      {...(isDeployment && { deployment: newest.id, isOver: newest.ended_at !== null })}
      {...(newest && { which: { value: isDeployment ? "deployment" : "application", choose } })}
    />
  );
}
