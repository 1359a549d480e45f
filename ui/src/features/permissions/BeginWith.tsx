import { CopyFrom } from "./CopyFrom";
import { type Draft, draftOf, kept } from "./difference";
import type { Near } from "./near";
import { PresetMenu } from "./PresetMenu";

/** Fills a profile in with a preset, or with what another member may do. Nothing is saved by it. */
export function BeginWith(props: {
  draft: Draft;
  near: Near | null;
  /** Whose permissions aren't offered. */
  but: string[];
  onChoose: (draft: Draft, near: Near | null) => void;
}) {
  const { draft } = props;
  return (
    <>
      <PresetMenu
        near={props.near}
        actions={draft.actions}
        onChoose={(preset) => props.onChoose(kept({ ...draft, actions: preset.actions }), preset)}
      />
      <CopyFrom but={props.but} onChoose={(permissions, near) => props.onChoose(draftOf(permissions), near)} />
    </>
  );
}
