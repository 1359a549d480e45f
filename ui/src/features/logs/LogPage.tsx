import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { ExplainWish } from "@/api/generated";
import type { Deployment, Instance } from "@/api/nouns";
import { Explanation } from "@/features/ai";
import { useWorkspace } from "@/frame/useWorkspace";
import { Go, Time } from "@/kit";
import { LogView } from "./LogView";
import css from "./logs.module.css";
import { wishOf } from "./stretch";

type Props = { workspace: string; instance: Instance; newest: Deployment | undefined };
type Asked = { wish: ExplainWish; turn: number; numberOf: (position: string) => number | undefined };

const ABOUT = {
  init: "What the sandbox's first process says: when it started and ended those of the application, and why.",
  proxy: "What visitors asked of its addresses, and how it was answered.",
};

/** One of the instance's logs; and what a stretch of it means, beside it. */
export function LogPage({ workspace, instance, newest }: Props) {
  const { of } = useSearch({ strict: false }) as { of?: string };
  const { ai } = useWorkspace();
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [evidence, setEvidence] = useState<ReadonlySet<string>>(new Set());
  const isDeployment = of === "deployment" && newest !== undefined;
  const source = of === "init" || of === "proxy" ? of : undefined;
  const value = isDeployment ? "deployment" : (source ?? "application");
  const choose = (value: string) => {
    setAsked(null);
    void navigate({
      to: ".",
      search: ((before: Record<string, unknown>) => {
        const { of: _, ...kept } = before;
        return value === "application" ? kept : { ...kept, of: value };
      }) as never,
      hash: "",
      replace: true,
      resetScroll: false,
    });
  };
  return (
    <div className={css.split}>
      <LogView
        key={isDeployment ? newest.id : value}
        workspace={workspace}
        instance={instance.id}
        isWhole
        evidence={evidence}
        {...(source && { source })}
        {...(isDeployment && { deployment: newest.id, isOver: newest.ended_at !== null })}
        about={
          isDeployment ? (
            <>
              The newest deployment,{" "}
              <Go to={`/${workspace}/instances/${instance.slug}/deployments/${newest.id}`}>#{newest.number}</Go>, begun{" "}
              <Time at={newest.created_at} just />.
            </>
          ) : (
            source && ABOUT[source]
          )
        }
        which={{ value, choose, hasDeployment: newest !== undefined }}
        {...(ai &&
          !source && {
            onExplain: (ends, numberOf) =>
              setAsked((before) => ({
                wish: wishOf(ends, isDeployment ? newest.id : undefined),
                turn: (before?.turn ?? 0) + 1,
                numberOf,
              })),
          })}
      />
      {asked && (
        <Explanation
          key={JSON.stringify(asked.wish)}
          workspace={workspace}
          instance={instance.id}
          {...asked}
          onEvidence={setEvidence}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}
