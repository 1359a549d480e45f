// Short notices at the foot of the page. What shows them is loaded with the first.

import { type ReactNode, useSyncExternalStore } from "react";
import { later } from "./later";

const load = () => import("@mantine/notifications");
const Container = later(async () => (await load()).Notifications);

let isWanted = false;
/** Which of the sentences that are shown has which id. */
const said = new Map<string, string>();
const tellers = new Set<() => void>();

/** With a link in it, it stays for as long as it takes to follow it. */
const WITH_LINK = 12_000;

/** Says what was done. Never the only place of an error. */
export async function notice(message: ReactNode): Promise<void> {
  isWanted = true;
  for (const tell of tellers) tell();
  const { notifications } = await load();
  if (typeof message !== "string") return void notifications.show({ message, autoClose: WITH_LINK });
  // The same said again takes the place of what is still there: it isn't told twice beside each other.
  const former = said.get(message);
  if (former) notifications.hide(former);
  said.set(
    message,
    notifications.show({ message, onClose: ({ id }) => said.get(message) === id && said.delete(message) }),
  );
}

function subscribe(tell: () => void): () => void {
  tellers.add(tell);
  return () => tellers.delete(tell);
}

export function Notices() {
  const isShown = useSyncExternalStore(subscribe, () => isWanted);
  return isShown && <Container position="bottom-right" limit={3} />;
}
