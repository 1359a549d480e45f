import { Button, Menu } from "@mantine/core";
import { IconCheck, IconChevronDown, IconWand } from "@tabler/icons-react";
import { usePresets } from "@/api/memberQueries";
import type { ActionKey } from "@/api/nouns";
import { useWorkspace } from "@/frame/useWorkspace";
import { Cut, usePhone } from "@/kit";
import { NotLoaded } from "./NotLoaded";
import { isSame, type Near, toldOf } from "./near";
import css from "./permissions.module.css";

type Props = {
  /** Which preset the profile comes near to now, as long as there is one of this name. */
  near: Near | null;
  actions: ActionKey[];
  onChoose: (near: Near) => void;
};

/** Fills the switches in with a preset. Nothing is saved by it. */
export function PresetMenu({ near, actions, onChoose }: Props) {
  const { slug } = useWorkspace();
  const phone = usePhone();
  const presets = usePresets(slug);
  const isGone = presets.data !== undefined && !presets.data.some(({ name }) => name === near?.name);
  const told = isGone ? null : toldOf(near, actions);
  return (
    <Menu position="bottom-start" width={320}>
      <Menu.Target>
        <Button
          className={css.tool ?? ""}
          leftSection={<IconWand size={16} stroke={1.75} aria-hidden />}
          rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
        >
          <Cut text={told ? (phone ? told : `Preset: ${told}`) : "Preset"} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <div role="presentation" style={{ maxHeight: 360, overflowY: "auto" }}>
          {presets.data?.map((preset) => (
            <Menu.Item
              key={preset.id}
              rightSection={
                isSame(preset.actions, actions) ? <IconCheck size={15} stroke={1.75} aria-label="as it is" /> : null
              }
              onClick={() => onChoose({ name: preset.name, actions: preset.actions, isChanged: false })}
            >
              <span className={css.presetName}>{preset.name}</span>
              <div className={css.few}>
                {preset.sentence ??
                  `${preset.actions.length} ${preset.actions.length === 1 ? "action" : "actions"}, of this workspace`}
              </div>
            </Menu.Item>
          ))}
        </div>
        {presets.isLoading && <Menu.Label>Loading the presets</Menu.Label>}
        {presets.isLoadingError && <NotLoaded error={presets.error} again={() => void presets.refetch()} />}
      </Menu.Dropdown>
    </Menu>
  );
}
