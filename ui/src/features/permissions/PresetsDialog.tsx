import { ActionIcon, Button, Checkbox, TextInput } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changePreset, createPreset, deletePreset, viewPreset } from "@/api/generated";
import { usePresets } from "@/api/memberQueries";
import type { ActionKey, Preset } from "@/api/nouns";
import { isCode, type Problem, problemOf } from "@/api/problem";
import { useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, ConfirmDialog, Dialog, Failed, LoadingRows, Note, Panel, WaitingButton } from "@/kit";
import { ACTIONS, actionOf } from "@/kit/actions";
import css from "./permissions.module.css";
import own from "./presets.module.css";

type Edited = { preset: Tagged<Preset> | null };

/** The presets of a workspace: the four that all have, and its own to make, rename, change and delete. */
export function PresetsDialog({ onClose }: { onClose: () => void }) {
  const { slug } = useWorkspace();
  const presets = usePresets(slug);
  const [edited, setEdited] = useState<Edited | null>(null);
  const [gone, setGone] = useState<Tagged<Preset> | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // With its tag, as it is now: what somebody else has changed meanwhile isn't overwritten.
  const load = async (id: string, then: (preset: Tagged<Preset>) => void) => {
    setProblem(null);
    try {
      then((await viewPreset(slug, id)) as Tagged<Preset>);
    } catch (failure) {
      setProblem(problemOf(failure).detail);
      void presets.refetch();
    }
  };
  const remove = useAct<Tagged<Preset>>(slug, {
    act: (preset) => deletePreset(slug, preset.id, ifMatch(preset.etag)),
    nouns: ["presets", "members"],
    onDone: () => setGone(null),
  });
  return (
    <>
      <Dialog
        opened
        onClose={onClose}
        title="Presets"
        sentence="A preset fills the switches of a profile in. Changing one changes no profile."
        size={620}
        foot={
          <>
            <Button onClick={onClose}>Close</Button>
            <Button
              variant="filled"
              leftSection={<IconPlus size={16} stroke={1.75} aria-hidden />}
              onClick={() => setEdited({ preset: null })}
            >
              New preset
            </Button>
          </>
        }
      >
        {problem && <Note tone="bad">{problem}</Note>}
        {presets.error ? (
          <Failed error={presets.error} retry={() => void presets.refetch()} inline />
        ) : !presets.data ? (
          <LoadingRows rows={4} />
        ) : (
          <Panel>
            {presets.data.map((preset) => (
              <div key={preset.id} className={own.preset}>
                <div>
                  <div className={own.presetName}>{preset.name}</div>
                  <div className={css.few}>{preset.sentence ?? "This workspace's own"}</div>
                  <div className={own.presetActions}>
                    {ACTIONS.filter(({ key }) => preset.actions.includes(key)).map(({ key, label }) => (
                      <Chip key={key}>{label}</Chip>
                    ))}
                  </div>
                </div>
                {!preset.built_in && (
                  <div className={own.presetActs}>
                    <ActionIcon
                      aria-label={`Change ${preset.name}`}
                      title="Change"
                      onClick={() => void load(preset.id, (preset) => setEdited({ preset }))}
                    >
                      <IconPencil size={16} stroke={1.75} />
                    </ActionIcon>
                    <ActionIcon
                      aria-label={`Delete ${preset.name}`}
                      title="Delete"
                      onClick={() => void load(preset.id, setGone)}
                    >
                      <IconTrash size={16} stroke={1.75} />
                    </ActionIcon>
                  </div>
                )}
              </div>
            ))}
          </Panel>
        )}
      </Dialog>
      {edited && <PresetForm preset={edited.preset} onClose={() => setEdited(null)} />}
      <ConfirmDialog
        opened={gone !== null}
        onClose={() => {
          setGone(null);
          remove.reset();
        }}
        title={`Delete the preset ${gone?.name ?? ""}?`}
        action="Delete"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => gone && remove.mutate(gone)}
      >
        Members who were given it keep what they have.
      </ConfirmDialog>
    </>
  );
}

function isNamed(preset: Preset, name: string, but: Preset | null): boolean {
  return preset.id !== but?.id && preset.name.toLowerCase() === name.trim().toLowerCase();
}

/** Makes a preset, or changes one. */
export function PresetForm(props: { preset: Tagged<Preset> | null; onClose: () => void }) {
  const { slug } = useWorkspace();
  const presets = usePresets(slug);
  const [name, setName] = useState(props.preset?.name ?? "");
  const [actions, setActions] = useState<ActionKey[]>(props.preset?.actions ?? []);
  const save = useAct<void, Preset>(slug, {
    act: () =>
      props.preset
        ? changePreset(slug, props.preset.id, { name, actions }, ifMatch(props.preset.etag))
        : createPreset(slug, { name, actions }),
    nouns: ["presets", "members"],
    onDone: props.onClose,
  });
  const problem: Problem | null = save.error;
  const why = !name.trim() || actions.length === 0 ? "Give it a name and at least one action" : undefined;
  // The server says that the name is taken; whose it is stands in the list.
  const same = isCode(problem, "conflict") ? presets.data?.find((one) => isNamed(one, name, props.preset)) : undefined;
  const ofName = same ? `There is a preset called ${same.name} already.` : problem?.field("name");
  const isOfField = ofName ?? problem?.field("actions");
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title={props.preset ? `Change ${props.preset.name}` : "New preset"}
      sentence="A name, and the switches that it turns on."
      size={520}
      onSubmit={() => why === undefined && save.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <WaitingButton type="submit" variant="filled" loading={save.isPending} why={why}>
            {props.preset ? "Save" : "Create preset"}
          </WaitingButton>
        </>
      }
    >
      <div className={own.presetForm}>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={ofName}
          data-autofocus
        />
        <Checkbox.Group
          label="Action permissions"
          value={actions}
          onChange={(values) => setActions(values as ActionKey[])}
          error={problem?.field("actions")}
        >
          <div className={own.presetBoxes}>
            {ACTIONS.map(({ key, label }) => (
              <Checkbox key={key} value={key} label={label} title={actionOf(key)?.sentence} />
            ))}
          </div>
        </Checkbox.Group>
        {problem && !isOfField && <Note tone="bad">{problem.detail}</Note>}
      </div>
    </Dialog>
  );
}
