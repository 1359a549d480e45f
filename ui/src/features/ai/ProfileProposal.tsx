import { Button } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useEffect } from "react";
import { getProposeProfileUrl, type ProfilePart, type ProposedProfile } from "@/api/generated";
import { AnswerPanel } from "./AnswerPanel";
import { leftOut } from "./leftOut";
import { type Reads, useAnswer } from "./useAnswer";

type Props = {
  workspace: string;
  sentence: string;
  /** Given the profile once it is there, as a draft. */
  onProposed: (profile: ProposedProfile) => void;
  /** Takes the draft back, where it is another than before. */
  onBack: (() => void) | null;
  onClose: () => void;
};

const READS: Reads<ProfilePart, ProposedProfile | null> = {
  nothing: null,
  take: (found, { profile }) => profile ?? found,
};

/** What a model proposes that a member may do: a draft in the form around it, which an owner saves or doesn't. */
export function ProfileProposal({ workspace, sentence, onProposed, onBack, onClose }: Props) {
  const answer = useAnswer(getProposeProfileUrl(workspace), { sentence }, READS);
  const profile = answer.state === "done" ? answer.found : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each profile
  useEffect(() => {
    if (profile) onProposed(profile);
  }, [profile]);
  return (
    <AnswerPanel
      answer={answer}
      title="Proposal"
      again="Propose again"
      busy={answer.state === "reading" ? "Reading what can be allowed" : "Proposing"}
      said={
        profile
          ? `${leftOut(profile)}By AI from your sentence, filled in as a draft. It can be wrong; nothing is saved before you save it.`
          : "Nothing was changed."
      }
      after={
        profile &&
        onBack && (
          <Button data-size="xs" leftSection={<IconArrowBackUp size={15} stroke={1.75} aria-hidden />} onClick={onBack}>
            Back to what it was
          </Button>
        )
      }
      onClose={onClose}
    />
  );
}
