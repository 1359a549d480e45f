import { ActionIcon, TextInput } from "@mantine/core";
import { IconArrowUp, IconSparkles } from "@tabler/icons-react";
import { useState } from "react";
import { useWorkspace } from "@/frame/useWorkspace";
import { Go } from "@/kit";
import css from "./describe.module.css";

/** Letters of a sentence at most. */
const LONGEST = 500;

/** Where what somebody is to do is told in a sentence. Without a provider it says where to choose one. */
export function DescribeField({ onAsk }: { onAsk: (sentence: string) => void }) {
  const { slug, ai } = useWorkspace();
  const [sentence, setSentence] = useState("");
  if (!ai)
    return (
      <span className={css.hint}>
        <IconSparkles size={15} stroke={1.75} aria-hidden />
        <Go to={`/${slug}/settings/ai`}>Choose an AI provider</Go> to have permissions proposed from a sentence.
      </span>
    );
  const isEmpty = sentence.trim() === "";
  return (
    <form
      className={css.field}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isEmpty) onAsk(sentence.trim());
      }}
    >
      <TextInput
        aria-label="Describe what this member is to do"
        placeholder="Or describe it: “tests staging and reads its logs”"
        leftSection={<IconSparkles size={16} stroke={1.75} aria-hidden />}
        rightSection={
          !isEmpty && (
            <ActionIcon type="submit" size={28} aria-label="Propose permissions" title="Propose permissions">
              <IconArrowUp size={16} stroke={1.75} aria-hidden />
            </ActionIcon>
          )
        }
        maxLength={LONGEST}
        value={sentence}
        onChange={(event) => setSentence(event.currentTarget.value)}
      />
    </form>
  );
}
