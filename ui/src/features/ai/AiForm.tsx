import { Autocomplete, Button, type ComboboxItem, PasswordInput, TextInput } from "@mantine/core";
import { IconChevronDown, IconCircleCheckFilled, IconKey, IconPlayerPlay } from "@tabler/icons-react";
import { type FormEvent, useEffect, useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { type Ai, type AiProvider, removeAi, setAi, type Tested, testAi } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { queryClient, useAct } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { ConfirmDialog, Note, notice, Time, Unsaved } from "@/kit";
import css from "./ai.module.css";
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

/** All of them while one of them stands in the field: whoever opens the list then looks for another. */
function offered(options: ComboboxItem[], search: string, limit: number): ComboboxItem[] {
  const sought = search.trim().toLowerCase();
  const isOne = options.some(({ label }) => label.toLowerCase() === sought);
  return options.filter(({ label }) => isOne || label.toLowerCase().includes(sought)).slice(0, limit);
}

export function AiForm({ workspace, saved }: { workspace: string; saved: Tagged<Ai> }) {
  const [draft, setDraft] = useState(() => draftOf(saved));
  const [base, setBase] = useState(saved);
  const [isRemoving, setRemoving] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((draft) => ({ ...draft, ...change }));
  const url = isOwn(draft.provider) ? draft.url.trim() : "";
  const isElsewhere = draft.provider !== base.provider || url !== (base.base_url ?? "");
  const isChanged = isElsewhere || draft.model.trim() !== (base.model ?? "") || draft.key !== "";
  const isStale = saved.etag !== base.etag;

  // Saved by somebody else while nothing was touched here: it shows what is there now.
  useEffect(() => {
    if (!isStale || isChanged) return;
    setBase(saved);
    setDraft(draftOf(saved));
  }, [isStale, isChanged, saved]);

  /** Another provider's models have other names: the saved one goes, and comes back with its provider. */
  const choose = (provider: AiProvider) => {
    const isUntouched = draft.model === (draft.provider === base.provider ? (base.model ?? "") : "");
    const model = isUntouched ? { model: provider === base.provider ? (base.model ?? "") : "" } : {};
    set({ provider, isReplacing: false, ...model });
  };
  const take = (now: Tagged<Ai>) => {
    queryClient.setQueryData(aiKey(workspace), now);
    setBase(now);
    setDraft(draftOf(now));
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
  const isReady = isChanged && draft.provider !== null && draft.model.trim() !== "" && (!isOwn(draft.provider) || url);
  const problem = change.error;
  const general = problem && problem.errors.length === 0 ? problem.detail : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) change.mutate({});
  };
  const chosen = PROVIDERS.find(({ key }) => key === draft.provider);
  // What is kept is of the provider that is saved.
  const offers = isElsewhere ? [] : (models.data ?? []);
  const ofModel =
    models.error && !isElsewhere
      ? `Any name works. The provider's own list can't be had: ${models.error.detail}`
      : offers.length > 0
        ? `Any name works. The provider offers ${offers.length} with this key.`
        : "Any name works. What the provider offers is listed here once it can be asked.";
  const whyNoTest = base.provider === null ? "Save a provider first" : isChanged ? "Save first" : undefined;

  return (
    <form className={css.form} onSubmit={submit} aria-label="AI provider">
      <Unsaved when={isChanged} what="What you changed of the provider" />
      {isStale && isChanged && (
        <Note tone="warn">Somebody changed these settings meanwhile. Load the page again to see them.</Note>
      )}
      <fieldset className={css.providers}>
        <legend>Provider</legend>
        {PROVIDERS.map(({ key, name, Icon }) => (
          <label key={key} className={css.provider}>
            <input
              type="radio"
              name="provider"
              value={key}
              checked={draft.provider === key}
              onChange={() => choose(key)}
            />
            <Icon size={19} stroke={1.75} aria-hidden />
            {draft.provider === key && <IconCircleCheckFilled size={15} className={css.check} aria-hidden />}
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {isOwn(draft.provider) && (
        <TextInput
          label="Base URL"
          description={
            draft.provider === "ollama"
              ? "Where Ollama listens, with port 11434 unless you chose another. An address of this machine or of a private network has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
              : "Of any server that speaks as OpenAI's does; /v1 is added where no path is given. A private address has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
          }
          inputWrapperOrder={["label", "input", "error", "description"]}
          placeholder={draft.provider === "ollama" ? "https://ollama.example.com" : "https://models.example.com/v1"}
          value={draft.url}
          onChange={(event) => set({ url: event.currentTarget.value })}
          error={problem?.field("base_url")}
          spellCheck={false}
          autoComplete="off"
          inputMode="url"
          classNames={{ input: css.code ?? "" }}
        />
      )}
      <Autocomplete
        label="Model"
        description={ofModel}
        inputWrapperOrder={["label", "input", "error", "description"]}
        data={offers}
        limit={50}
        filter={({ options, search, limit }) => offered(options as ComboboxItem[], search, limit)}
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
      {hasKept ? (
        <div>
          <div className={css.label}>API key</div>
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
          <div className={css.kept} role="group" aria-label="API key">
            <IconKey size={16} stroke={1.75} aria-hidden />
            <span>
              Set
              {base.api_key_last4 && (
                <>
                  , ends in <code>{base.api_key_last4}</code>
                </>
              )}
              <span className={css.by}>
                {base.api_key_set_by && `, by ${base.api_key_set_by} `}
                {base.api_key_set_at && <Time at={base.api_key_set_at} />}
              </span>
            </span>
            <Button variant="subtle" data-size="xs" onClick={() => set({ isReplacing: true })}>
              Replace
            </Button>
            <Button
              variant="subtle"
              data-size="xs"
              loading={change.isPending && change.variables?.withoutKey === true}
              onClick={() => (isOwn(base.provider) ? change.mutate({ withoutKey: true }) : setRemoving(true))}
            >
              Remove
            </Button>
          </div>
          <p className={css.help}>
            Kept encrypted and never shown again. Changing the provider or the base URL asks for it anew.
          </p>
        </div>
      ) : (
        <PasswordInput
          label="API key"
          description={
            base.api_key_set && isElsewhere
              ? "The key that is kept was given for another address, and isn't sent to this one. Give the key for this one."
              : isOwn(draft.provider)
                ? "Only if the server asks for one. Kept encrypted and never shown again."
                : "Kept encrypted and never shown again."
          }
          inputWrapperOrder={["label", "input", "error", "description"]}
          value={draft.key}
          onChange={(event) => set({ key: event.currentTarget.value })}
          error={problem?.field("api_key")}
          autoComplete="off"
          spellCheck={false}
          maxLength={1000}
          classNames={{ innerInput: css.code ?? "" }}
        />
      )}
      {general && <Note tone="bad">{general}</Note>}
      {problem?.field("provider") && <Note tone="bad">{problem.field("provider")}</Note>}
      <div className={css.buttons}>
        <Button
          type="submit"
          variant="filled"
          disabled={!isReady}
          title={isReady ? undefined : isChanged ? "Fill in the provider and the model" : "Change something first"}
          loading={change.isPending && change.variables?.withoutKey !== true}
        >
          Save
        </Button>
        <Button
          leftSection={<IconPlayerPlay size={16} stroke={1.75} aria-hidden />}
          disabled={whyNoTest !== undefined}
          title={whyNoTest}
          loading={tested.isPending}
          onClick={() => tested.mutate()}
        >
          Test
        </Button>
        {draft.isReplacing && <Button onClick={() => set({ isReplacing: false, key: "" })}>Keep the old key</Button>}
        {base.provider && (
          <Button variant="subtle" className={css.off ?? ""} onClick={() => setRemoving(true)}>
            Turn AI off
          </Button>
        )}
      </div>
      {base.provider === null && !isReady ? (
        <p className={css.help}>Choose a provider and name a model to save. What is saved can then be tested.</p>
      ) : isChanged ? (
        <p className={css.help}>
          {isReady ? "Save first, to test what stands here." : "Fill in the provider and the model to save."}
        </p>
      ) : null}
      {/* An answer is of what is saved, and says nothing of what else stands in the fields by now. What went wrong stays
          until it is mended. */}
      {(!isChanged || tested.error) && <Answer tested={tested} />}
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
    </form>
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
    <div className={css.answer} role="status">
      <IconCircleCheckFilled size={16} aria-hidden />
      <div className={css.answerText}>
        <div className={css.answerHead}>
          <strong>The provider answered in {inWords(latency_ms)}</strong>
          <span>just now{tokens > 0 && `, ${tokens.toLocaleString("en")} tokens`}</span>
        </div>
        <code>{reply}</code>
      </div>
    </div>
  );
}
