import { Button, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { Note, Section } from "@/kit";
import css from "./ai.module.css";
import { usePreview } from "./queries";

/** Lines as an application might write them. What is made of them is the server's work. */
const SAMPLE = `error pay  Payment provider answered 503 (attempt 1 of 3)
      url=https://tok_5c1f0e@pay.example/authorise
      DATABASE_URL=postgres://shop:autumn-rain@db/shop`;

/** What the provider would get of a text: made by what cleans every text before it leaves. */
export function Leaves({ workspace }: { workspace: string }) {
  const [own, setOwn] = useState<string | null>(null);
  const [settled] = useDebouncedValue(own ?? SAMPLE, 400);
  const preview = usePreview(workspace, settled.trim() ? settled : SAMPLE);
  return (
    <Section title="What leaves, and what doesn't">
      <p className={css.text}>
        Secrets known to Stoa, such as an instance's secret variables, and what looks like one are taken out first. This
        is what the provider would get:
      </p>
      {preview.error ? (
        <Note tone="bad">{preview.error.message}</Note>
      ) : (
        <section aria-label="What the provider would get" aria-busy={preview.isPending}>
          <pre className={css.preview}>
            {preview.data?.lines.map((line, number) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines of a text never move
              <div key={number}>
                {line.map((piece, index) =>
                  piece.removed ? (
                    // biome-ignore lint/suspicious/noArrayIndexKey: nor do their pieces
                    <span key={index} className={css.removed}>
                      {piece.removed}
                    </span>
                  ) : (
                    piece.text
                  ),
                )}
                {line.length === 0 && " "}
              </div>
            ))}
          </pre>
        </section>
      )}
      {own === null ? (
        <Button variant="subtle" className={css.try ?? ""} onClick={() => setOwn(SAMPLE)}>
          Try a text of your own
        </Button>
      ) : (
        <Textarea
          label="A text of your own"
          description="It goes to Stoa alone, and isn't kept."
          inputWrapperOrder={["label", "input", "description", "error"]}
          className={css.own ?? ""}
          classNames={{ input: css.code ?? "" }}
          autosize
          minRows={3}
          maxRows={10}
          maxLength={20_000}
          value={own}
          onChange={(event) => setOwn(event.currentTarget.value)}
          spellCheck={false}
        />
      )}
    </Section>
  );
}
