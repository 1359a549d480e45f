import { Button, Loader, TextInput } from "@mantine/core";
import { IconAlertCircleFilled, IconCircleCheckFilled } from "@tabler/icons-react";
import { useRef } from "react";
import type { SlugState } from "./useSlug";
import css from "./workspaces.module.css";

export function SlugField({ state, error }: { state: SlugState; error?: string | undefined }) {
  const field = useRef<HTMLInputElement>(null);
  // The button goes with what it did: the focus goes on to the field that it filled in.
  const take = (suggestion: string) => {
    field.current?.focus();
    state.edit(suggestion);
  };
  const bad = error ?? (state.tone === "bad" ? state.word : undefined);
  return (
    <div>
      <TextInput
        ref={field}
        label="Slug"
        value={state.slug}
        onChange={(event) => state.edit(event.currentTarget.value)}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={60}
        required
        withAsterisk={false}
        aria-invalid={Boolean(bad)}
        aria-describedby="slug-said"
        classNames={{ input: `${css.slug} ${bad ? css.slugBad : state.tone === "good" ? css.slugGood : ""}` }}
        rightSection={
          state.tone === "wait" ? (
            <Loader size={14} color="gray" aria-hidden />
          ) : state.tone === "good" && !bad ? (
            <IconCircleCheckFilled size={17} className={css.good} aria-hidden />
          ) : bad ? (
            <IconAlertCircleFilled size={17} className={css.bad} aria-hidden />
          ) : null
        }
      />
      <div id="slug-said" className={css.said} aria-live="polite">
        {bad ? (
          <span className={css.bad}>{bad}</span>
        ) : state.tone === "good" ? (
          <>
            <span className={css.good}>{state.word}</span>
            {!state.isEdited && " follows the name until you edit it"}
          </>
        ) : (
          state.word
        )}
        {bad && state.suggestion && (
          <Button variant="transparent" ml={6} onClick={() => take(state.suggestion ?? "")}>
            Take {state.suggestion}
          </Button>
        )}
      </div>
    </div>
  );
}
