import { useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import type { Workspace } from "@/api/nouns";
import { useMe } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { ExplainDialog, MissingDialog } from "@/features/permissions/later";
import { type Question, WhyContext } from "@/kit/Why";

/** Answers every *Why?* below it: about oneself, or about whom one views as. Without a workspace there is none. */
export function Reasons({ workspace, children }: { workspace: Workspace | null; children: ReactNode }) {
  const me = useMe().data;
  const [question, setQuestion] = useState<Question | null>(null);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about the page that it was asked on
  useEffect(() => setQuestion(null), [pathname]);
  const account = { name: viewing()?.name ?? me?.name ?? "" };
  return (
    <WhyContext.Provider value={workspace && setQuestion}>
      {children}
      {workspace && question?.isMissing && (
        <MissingDialog onOther={() => setQuestion({})} onClose={() => setQuestion(null)} />
      )}
      {workspace && question && !question.isMissing && (
        <ExplainDialog
          member={{ id: workspace.member_id, account }}
          question={question}
          onClose={() => setQuestion(null)}
        />
      )}
    </WhyContext.Provider>
  );
}
