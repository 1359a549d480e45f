import { Button, Select } from "@mantine/core";
import { IconCrown } from "@tabler/icons-react";
import { useState } from "react";
import { useWho } from "@/api/memberQueries";
import type { ActionKey } from "@/api/nouns";
import { useWorkspace } from "@/frame/useWorkspace";
import { type About, Dialog, Empty, Failed, LoadingRows, More, Panel, PersonAvatar, Row } from "@/kit";
import { endWords } from "./ends";
import { actionsOf } from "./fits";
import css from "./permissions.module.css";
import { ShareDialog } from "./ShareDialog";

type Props = {
  about: About;
  /** What is asked about at first. */
  first?: ActionKey | null;
  onClose: () => void;
};

/** Who can do something here: the server's own answer, member by member. */
export function WhoDialog({ about, first = null, onClose }: Props) {
  const workspace = useWorkspace();
  const [action, setAction] = useState<ActionKey | null>(first);
  const [isAdding, setAdding] = useState(false);
  const offered = actionsOf(about.kind);
  const who = useWho(workspace.slug, { [about.kind]: about.id, ...(action && { action }) });
  if (isAdding) return <ShareDialog instance={about} onClose={() => setAdding(false)} />;
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`Who can work with ${about.name}?`}
      sentence={offered.length > 0 ? "Choose an action, or see who is shown it at all." : "Who is shown it at all."}
      size={560}
      foot={
        <>
          {about.kind === "instance" && <Button onClick={() => setAdding(true)}>Add members…</Button>}
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div className={css.whoBody}>
        {offered.length > 0 && (
          <Select
            label="Action"
            placeholder={about.kind === "project" ? "To open it" : "To see it"}
            data={offered.map(({ key, label }) => ({ value: key, label }))}
            value={action}
            onChange={setAction}
            clearable
          />
        )}
        {who.error ? (
          <Failed error={who.error} retry={() => void who.refetch()} inline />
        ) : !who.items ? (
          <LoadingRows rows={3} />
        ) : who.items.length === 0 ? (
          <Empty title="Nobody can" inline>
            No profile includes it, and there is no owner who is active.
          </Empty>
        ) : (
          <Panel>
            {who.items.map((one) => (
              <Row key={one.id}>
                <PersonAvatar name={one.name} size={26} />
                <div className={css.whoName}>
                  <div>{one.name}</div>
                  <div className={css.few}>{one.email}</div>
                </div>
                <span className={css.because}>
                  {one.because === "owner" ? (
                    <>
                      <IconCrown size={14} stroke={1.75} aria-hidden /> Owner
                    </>
                  ) : one.until ? (
                    `Granted until ${endWords(one.until)}`
                  ) : (
                    "Granted"
                  )}
                </span>
              </Row>
            ))}
            <More {...who} />
          </Panel>
        )}
      </div>
    </Dialog>
  );
}
