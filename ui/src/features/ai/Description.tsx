import { type DescriptionPart, type DescriptionWish, getDescribeMergeUrl } from "@/api/generated";
import { AnswerPanel } from "./AnswerPanel";
import { type Reads, useAnswer } from "./useAnswer";

type Props = { workspace: string; project: string; wish: DescriptionWish; onClose: () => void };

const READS: Reads<DescriptionPart, null> = { nothing: null, take: () => null };

/** What a model says of a merge before it is done. */
export function Description({ workspace, project, wish, onClose }: Props) {
  const answer = useAnswer(getDescribeMergeUrl(workspace, project), wish, READS);
  return (
    <AnswerPanel
      answer={answer}
      title="Description"
      again="Describe again"
      busy={answer.state === "reading" ? "Reading the merge" : "Describing"}
      said="By AI from the difference. It can be wrong; nothing was merged."
      onClose={onClose}
    />
  );
}
