import { Button, Checkbox, Menu } from "@mantine/core";
import {
  IconChevronDown,
  IconCode,
  IconDots,
  IconGitMerge,
  IconHelp,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRocket,
  IconShieldLock,
  IconTrash,
  IconUserShare,
  IconUsers,
} from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useContext, useState } from "react";
import { deleteInstance } from "@/api/generated";
import type { Able, Instance, Verb } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { ConnectDialog } from "@/features/connectAs/later";
import { MergeDialog } from "@/features/projects/later";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  AbleButton,
  type About,
  ConfirmDialog,
  DisabledReason,
  later,
  MissingAction,
  reasonAgainst,
  useNarrow,
  usePhone,
  WhyButton,
  WhyContext,
} from "@/kit";
import { calledOf, thereIs } from "./goingOn";
import css from "./instances.module.css";
import { StopDialog } from "./StopDialog";
import { type Acts, AFTER } from "./useActs";

const WhoDialog = later(async () => (await import("@/features/permissions/WhoDialog")).WhoDialog);

type Other = { verb: Verb; word: string; Icon: typeof IconRocket; act: () => void };

/**
 * What may be done to an instance: what its state forbids now is off and says why, and what isn't allowed isn't there, but
 * for Stop beside Restart; why that is, *Why?* tells. What went wrong with `acts` is told beside this.
 */
export function InstanceActions(props: { workspace: string; instance: Instance; acts: Acts }) {
  const { workspace, instance, acts } = props;
  const navigate = useNavigate();
  const phone = usePhone();
  const isNarrow = useNarrow();
  const isOwner = useWorkspace().may.includes("manage");
  const [asked, setAsked] = useState<"stop" | "delete" | "connect" | "who" | null>(null);
  const [isMerging, setMerging] = useState(false);
  const { id, name } = instance;
  const goesOn = instance.job && calledOf(instance.job);
  const isBegun = acts.isPending && acts.variables.id === id ? acts.variables.act : null;
  const [isLast, setLast] = useState(true);
  // Offered to whoever deletes: it is part of that, and gives them nothing to read. Nothing that was never deployed can be
  // backed up.
  const hasLast = instance.commit !== null;
  const remove = useAct<void>(workspace, {
    act: () => deleteInstance(workspace, id, { confirm: name, cancel: goesOn !== null, backup: hasLast && isLast }),
    nouns: [...AFTER, "projects"],
    onDone: () => {
      setAsked(null);
      return navigate({ to: `/${workspace}/instances`, ignoreBlocker: true });
    },
  });
  const against = reasonAgainst(instance, "restart");
  const noIde = reasonAgainst(instance, "use_ide");
  const removal = reasonAgainst(instance, "delete");
  const { able, isDown, stop: hasStop, restart: hasRestart } = thereIs(instance);
  // A phone has nothing to point with, and no room for a reason: what is off there stands below the three dots with it,
  // and Stop where Start stands in its place.
  const isStopBelow =
    hasStop && phone && ((isDown && able.may.includes("start")) || reasonAgainst(able, "stop") !== null);
  const isRestartBelow = phone && against !== null;
  // Beside Restart and Stop; on a phone below the three dots.
  const others = [
    { verb: "connect_as", word: "Connect as user", Icon: IconUserShare, act: () => setAsked("connect") },
    { verb: "merge", word: "Merge…", Icon: IconGitMerge, act: () => setMerging(true) },
  ] satisfies Other[];
  const about: About = { kind: "instance", id, name };
  return (
    <>
      {/* Where there is no room for it, it stands in the menu. */}
      {!isNarrow && !isOwner && <WhyButton about={about} variant="default" />}
      {against?.kind !== "missing" && hasRestart && !isRestartBelow && (
        <DisabledReason reason={against?.detail}>
          <Menu position="bottom-end" disabled={Boolean(against)}>
            <Menu.Target>
              <Button
                leftSection={<IconRefresh size={16} stroke={1.75} />}
                rightSection={<IconChevronDown size={14} stroke={1.75} />}
                loading={isBegun === "restart_soft" || isBegun === "restart_hard"}
                data-disabled={against ? true : undefined}
                aria-disabled={against ? true : undefined}
              >
                Restart
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => acts.mutate({ id, act: "restart_soft" })}>
                <strong>Soft restart</strong>
                <div style={{ fontSize: 12, color: "var(--text3)" }}>The processes, in the same sandbox</div>
              </Menu.Item>
              <Menu.Item onClick={() => acts.mutate({ id, act: "restart_hard" })}>
                <strong>Hard restart</strong>
                <div style={{ fontSize: 12, color: "var(--text3)" }}>A new sandbox, with today's variables</div>
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </DisabledReason>
      )}
      {isDown && (
        <AbleButton
          of={instance}
          verb="start"
          variant="filled"
          leftSection={<IconPlayerPlay size={16} stroke={1.75} />}
          loading={isBegun === "start"}
          onClick={() => acts.mutate({ id, act: "start" })}
        >
          Start
        </AbleButton>
      )}
      {hasStop && !isStopBelow && (
        <AbleButton
          of={able}
          verb="stop"
          leftSection={<IconPlayerStop size={16} stroke={1.75} />}
          onClick={() => setAsked("stop")}
          // Whoever may restart looks for it beside that; nobody else does.
          {...(instance.may.includes("restart") && { whenMissing: <MissingAction action="stop_instances" /> })}
        >
          Stop
        </AbleButton>
      )}
      {!phone &&
        others.map(({ verb, word, Icon, act }) => (
          <AbleButton key={verb} of={instance} verb={verb} leftSection={<Icon size={16} stroke={1.75} />} onClick={act}>
            {word}
          </AbleButton>
        ))}
      {/* On a phone it is among the tabs alone, which say of themselves what is against them. */}
      {!phone &&
        (noIde ? (
          <AbleButton
            of={instance}
            verb="use_ide"
            leftSection={<IconCode size={16} stroke={1.75} />}
            onClick={() => {}}
          >
            IDE
          </AbleButton>
        ) : (
          <Button
            component={Link}
            to={`/${workspace}/instances/${instance.slug}/ide` as string}
            leftSection={<IconCode size={16} stroke={1.75} />}
          >
            IDE
          </Button>
        ))}
      {isMerging && (
        <MergeDialog
          workspace={workspace}
          project={instance.project.id}
          given={{ target: instance.branch }}
          onClose={() => setMerging(false)}
        />
      )}
      {(isNarrow || isOwner || removal?.kind !== "missing") && (
        <Menu position="bottom-end" width={260}>
          <Menu.Target>
            <Button
              className={css.dots ?? ""}
              aria-label={`More about ${instance.name}`}
              px={8}
              style={{ flex: "none" }}
            >
              <IconDots size={16} stroke={1.75} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {isRestartBelow && hasRestart && (
              <Choice of={instance} verb="restart" word="Restart" Icon={IconRefresh} onClick={() => {}} />
            )}
            {isStopBelow && (
              <Choice of={able} verb="stop" word="Stop" Icon={IconPlayerStop} onClick={() => setAsked("stop")} />
            )}
            {phone &&
              others.map(({ verb, word, Icon, act }) => (
                <Choice key={verb} of={instance} verb={verb} word={word} Icon={Icon} onClick={act} />
              ))}
            <Choice
              of={instance}
              verb="deploy"
              word="Deploy the newest commit"
              Icon={IconRocket}
              onClick={() => acts.mutate({ id, act: "deploy" })}
            />
            {(isNarrow || isOwner) && <WhoItem about={about} isOwner={isOwner} onAsk={() => setAsked("who")} />}
            <Choice
              of={able}
              verb="delete"
              word="Delete…"
              Icon={IconTrash}
              color="var(--bad)"
              onClick={() => setAsked("delete")}
              next={
                instance.blocked.delete?.code === "production_protected" &&
                instance.may.includes("manage") && (
                  <Menu.Item
                    component={Link}
                    to={`/${workspace}/instances/${instance.slug}/settings` as string}
                    hash="protection"
                    leftSection={<IconShieldLock size={16} stroke={1.75} aria-hidden />}
                  >
                    Go to its protection
                  </Menu.Item>
                )
              }
            />
          </Menu.Dropdown>
        </Menu>
      )}
      {asked === "who" && <WhoDialog about={about} onClose={() => setAsked(null)} />}
      {asked === "connect" && (
        <ConnectDialog workspace={workspace} instance={instance} onClose={() => setAsked(null)} />
      )}
      <StopDialog workspace={workspace} instance={instance} opened={asked === "stop"} onClose={() => setAsked(null)} />
      <ConfirmDialog
        opened={asked === "delete"}
        onClose={() => setAsked(null)}
        title={`Delete ${instance.name}?`}
        action="Delete for good"
        typed={instance.name}
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        {goesOn && `It cancels ${goesOn} that goes on. `}
        Its processes, releases, data and logs go with it. Its backups are kept for 30 days, for owners to find.
        {hasLast && (
          <Checkbox
            mt={14}
            label="Make a last backup first"
            description="If that fails, nothing is deleted."
            checked={isLast}
            onChange={(event) => setLast(event.currentTarget.checked)}
          />
        )}
      </ConfirmDialog>
    </>
  );
}

type ChoiceProps = {
  of: Able;
  verb: Verb;
  word: string;
  Icon: typeof IconRocket;
  color?: string;
  onClick: () => void;
  /** What can be done about what is against it. */
  next?: ReactNode;
};

/** A button in a menu: absent where it isn't allowed, off with its reason below it where it isn't possible now. */
function Choice({ of, verb, word, Icon, color, onClick, next }: ChoiceProps) {
  const against = reasonAgainst(of, verb);
  if (against?.kind === "missing") return null;
  return (
    <>
      <Menu.Item
        leftSection={<Icon size={16} stroke={1.75} aria-hidden />}
        {...(color && { color })}
        disabled={Boolean(against)}
        onClick={onClick}
      >
        {word}
      </Menu.Item>
      {against && (
        <Menu.Label fw={400} fz={12}>
          {against.detail}
        </Menu.Label>
      )}
      {against && next}
    </>
  );
}

/** Who can do something here, for owners; for others why they can't. */
function WhoItem({ about, isOwner, onAsk }: { about: About; isOwner: boolean; onAsk: () => void }) {
  const why = useContext(WhyContext);
  if (isOwner)
    return (
      <Menu.Item leftSection={<IconUsers size={16} stroke={1.75} aria-hidden />} onClick={onAsk}>
        Who can…
      </Menu.Item>
    );
  return (
    why && (
      <Menu.Item leftSection={<IconHelp size={16} stroke={1.75} aria-hidden />} onClick={() => why({ about })}>
        Why?
      </Menu.Item>
    )
  );
}
