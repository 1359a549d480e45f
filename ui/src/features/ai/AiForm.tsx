import { Autocomplete, Button } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { type Ai, type AiProvider, removeAi, setAi, type Tested, testAi } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { queryClient, useAct } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { CodeField, ConfirmDialog, KeyField, Note, notice, Passed, RadioCards, TestedForm, useHeldDraft } from "@/kit";
import css from "./ai.module.css";
import { missingIn } from "./missing";
import { isOwn, PROVIDERS } from "./providers";
import { aiKey, useModels } from "./queries";

type Draft = { provider: AiProvider | null; model: string; url: string; key: string; isReplacing: boolean };

const draftOf = (saved: Ai): Draft => ({
  provider: saved.provider,
  model: saved.model ?? "",
  url: saved.base_url ?? "",
  key: "",
  isReplacing: false,
});

const urlOf = ({ provider, url }: Draft) => (isOwn(provider) ? url.trim() : "");

/** Whether the key would be sent to others than those whom it was given for. */
const leadsElsewhere = (draft: Draft, base: Ai) =>
  draft.provider !== base.provider || urlOf(draft) !== (base.base_url ?? "");

const differs = (draft: Draft, base: Ai) =>
  leadsElsewhere(draft, base) || draft.model.trim() !== (base.model ?? "") || draft.key !== "";

export function AiForm({ workspace, saved }: { workspace: string; saved: Tagged<Ai> }) {
  const form = useHeldDraft(saved, draftOf, differs);
  const { draft, base, set, isChanged } = form;
  const [isRemoving, setRemoving] = useState(false);
  const url = urlOf(draft);
  const isElsewhere = leadsElsewhere(draft, base);

  /** Another provider's models have other names: the saved one goes, and comes back with its provider. */
  const choose = (provider: AiProvider) => {
    const isUntouched = draft.model === (draft.provider === base.provider ? (base.model ?? "") : "");
    const model = isUntouched ? { model: provider === base.provider ? (base.model ?? "") : "" } : {};
    set({ provider, isReplacing: false, ...model });
  };
  const take = (now: Tagged<Ai>) => {
    queryClient.setQueryData(aiKey(workspace), now);
    form.take(now);
    tested.reset();
  };
  const tested = useMutation<Tested, Problem>({
    mutationFn: () => testAi(workspace),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [workspace, "workspace", "ai", "usage"] }),
  });
  const change = useAct<{ withoutKey?: boolean }, Ai>(workspace, {
    act: ({ withoutKey }) =>
      setAi(
        workspace,
        {
          provider: draft.provider as AiProvider,
          model: draft.model.trim(),
          ...(url && { base_url: url }),
          ...(withoutKey ? { api_key: "" } : draft.key && { api_key: draft.key }),
        },
        ifMatch(base.etag),
      ),
    nouns: ["audit"],
    onDone: (now) => {
      take(now);
      void notice("Saved");
    },
  });
  const remove = useAct<void>(workspace, {
    act: () => removeAi(workspace, ifMatch(base.etag)),
    nouns: ["audit"],
    onDone: () => {
      setRemoving(false);
      const nothing: Tagged<Ai> = {
        provider: null,
        model: null,
        base_url: null,
        api_key_set: false,
        api_key_last4: null,
        api_key_set_by: null,
        api_key_set_at: null,
        etag: null,
      };
      take(nothing);
      void queryClient.invalidateQueries({ queryKey: aiKey(workspace) });
      void notice("Removed");
    },
  });
  const models = useModels(workspace, base.etag, base.provider !== null && !isElsewhere);
  const hasKept = base.api_key_set && !isElsewhere && !draft.isReplacing;
  const missing = missingIn(draft, base.api_key_set && !isElsewhere);
  const isReady = isChanged && missing === null;
  const problem = change.error;
  const chosen = PROVIDERS.find(({ key }) => key === draft.provider);
  // What is kept is of the provider that is saved.
  const offers = isElsewhere ? [] : (models.data ?? []);
  const ofModel =
    models.error && !isElsewhere
      ? `Any name works. The provider's own list can't be had: ${models.error.detail}`
      : offers.length > 0
        ? `Any name works. The provider offers ${offers.length} with this key.`
        : "Any name works. What the provider offers is listed here once it can be asked.";

  return (
    <TestedForm
      label="AI provider"
      what="the provider"
      form={form}
      isReady={isReady}
      missing={missing ?? ""}
      isSaving={change.isPending && change.variables?.withoutKey !== true}
      problem={problem}
      onSave={() => change.mutate({})}
      test={{
        without: base.provider === null ? "Save a provider first" : null,
        isRunning: tested.isPending,
        run: () => tested.mutate(),
      }}
      onKeep={draft.isReplacing ? () => set({ isReplacing: false, key: "" }) : null}
      more={
        base.provider && (
          <Button variant="subtle" className={css.off ?? ""} onClick={() => setRemoving(true)}>
            Turn AI off
          </Button>
        )
      }
      below={
        <>
          {base.provider === null && !isReady ? (
            <p className={css.help}>Choose a provider and name a model to save. What is saved can then be tested.</p>
          ) : isChanged ? (
            <p className={css.help}>{isReady ? "Save first, to test what stands here." : `${missing} to save.`}</p>
          ) : null}
          {/* An answer is of what is saved, and says nothing of what else stands in the fields by now. What went wrong
              stays until it is mended, but not below another provider. */}
          {(!isChanged || (tested.error && !isElsewhere)) && <Answer tested={tested} />}
          <ConfirmDialog
            opened={isRemoving}
            onClose={() => setRemoving(false)}
            title="Turn AI off?"
            action="Remove provider and key"
            busy={remove.isPending}
            problem={remove.error}
            onConfirm={() => remove.mutate()}
          >
            The provider and its key are removed, and explanations aren't shown to anybody any more.
          </ConfirmDialog>
        </>
      }
    >
      <RadioCards legend="Provider" name="provider" cards={PROVIDERS} value={draft.provider} onChange={choose} />
      {isOwn(draft.provider) && (
        <CodeField
          label="Base URL"
          description={
            draft.provider === "ollama"
              ? "Where Ollama listens, with port 11434 unless you chose another. An address of this machine or of a private network has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
              : "Of any server that speaks as OpenAI's does; /v1 is added where no path is given. A private address has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
          }
          placeholder={draft.provider === "ollama" ? "https://ollama.example.com" : "https://models.example.com/v1"}
          value={draft.url}
          onChange={(url) => set({ url })}
          error={problem?.field("base_url")}
          inputMode="url"
        />
      )}
      <Autocomplete
        label="Model"
        description={ofModel}
        inputWrapperOrder={["label", "input", "error", "description"]}
        data={offers}
        limit={50}
        rightSection={offers.length > 0 && <IconChevronDown size={16} stroke={1.75} aria-hidden />}
        rightSectionPointerEvents="none"
        placeholder={chosen?.model ?? ""}
        value={draft.model}
        onChange={(model) => set({ model })}
        error={problem?.field("model")}
        maxLength={200}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: css.code ?? "" }}
      />
      <KeyField
        label="API key"
        kept={
          hasKept
            ? {
                ends: base.api_key_last4,
                by: base.api_key_set_by,
                at: base.api_key_set_at,
                help: "Kept encrypted and never shown again. Changing the provider or the base URL asks for it anew.",
                onReplace: () => set({ isReplacing: true }),
                onRemove: () => (isOwn(base.provider) ? change.mutate({ withoutKey: true }) : setRemoving(true)),
                isRemoving: change.isPending && change.variables?.withoutKey === true,
              }
            : null
        }
        help={
          base.api_key_set && isElsewhere
            ? `The key that is kept was given for another ${draft.provider === base.provider ? "address" : "provider"}, and isn't sent to this one. Give the key for this one.`
            : isOwn(draft.provider)
              ? "Only if the server asks for one. Kept encrypted and never shown again."
              : "Kept encrypted and never shown again."
        }
        value={draft.key}
        onChange={(key) => set({ key })}
        error={problem?.field("api_key")}
        maxLength={1000}
      />
      {problem?.field("provider") && <Note tone="bad">{problem.field("provider")}</Note>}
    </TestedForm>
  );
}

const inWords = (ms: number) => (ms < 100 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

type TestedState = { data: Tested | undefined; error: Problem | null; isPending: boolean };

/** The real answer, or the provider's own error, in the same place. */
function Answer({ tested }: { tested: TestedState }) {
  if (tested.isPending) return null;
  if (tested.error) return <Note tone="bad">{tested.error.detail}</Note>;
  if (!tested.data) return null;
  const { latency_ms, reply, usage } = tested.data;
  const tokens = usage.input_tokens + usage.output_tokens;
  return (
    <Passed>
      <div className={css.answer}>
        <div className={css.answerHead}>
          <strong>The provider answered in {inWords(latency_ms)}</strong>
          <span>just now{tokens > 0 && `, ${tokens.toLocaleString("en")} tokens`}</span>
        </div>
        <code>{reply}</code>
      </div>
    </Passed>
  );
}
