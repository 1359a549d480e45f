import { useWorkspace } from "@/frame/useWorkspace";
import { Forbidden, PageTitle } from "@/kit";
import { Steps } from "./Steps";

export function FirstStartPage() {
  const workspace = useWorkspace();
  if (!workspace.may.includes("manage")) return <Forbidden what="set up the workspace" />;
  return (
    <div>
      <PageTitle title={`Welcome to ${workspace.name}`} sentence="Five steps to an application that runs." />
      <Steps />
    </div>
  );
}
