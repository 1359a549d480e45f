export { AbleButton, DisabledReason, reasonAgainst, WaitingButton } from "./AbleButton";
export { Person, PersonAvatar, Tile, WorkspaceLogo } from "./Avatar";
export { CodeToCopy, ShortCommit } from "./Code";
export { ConfirmDialog } from "./Confirm";
export { Cut } from "./Cut";
export { copyText } from "./copyText";
export { Dialog, NameDialog } from "./Dialog";
export { EmptyPage } from "./EmptyPage";
export { Go } from "./Go";
export { CodeField, KeyField } from "./KeyField";
export { later } from "./later";
export { Meanwhile } from "./Meanwhile";
export { More } from "./More";
export type { Fields } from "./met";
export { MissingAction } from "./missingAction";
export { notice } from "./Notices";
export { PageTitle, Panel, Row, Section, type Tab, Table, Tabs, useCurrentInSight } from "./Page";
export { RadioCards } from "./RadioCards";
export { Said } from "./Said";
export { SearchField } from "./SearchField";
export {
  ClosedInView,
  Empty,
  Failed,
  Forbidden,
  LoadingPage,
  LoadingRows,
  NotFound,
  Removed,
  Soon,
  State,
} from "./States";
export { Chip, Note, StageTag, StatusBadge, StatusIcon } from "./Status";
export { Passed, TestedForm } from "./TestedForm";
export { duration, relative, Time } from "./Time";
export { Unsaved, useUnsaved } from "./Unsaved";
export { useDraft } from "./useDraft";
export { useFilters } from "./useFilters";
export { useFocusBack } from "./useFocusBack";
export { useHeldDraft } from "./useHeldDraft";
export { useNarrow, usePhone } from "./usePhone";
export { useTitle } from "./useTitle";
export { type About, type AskedKey, type Question, WhyButton, WhyContext } from "./Why";
