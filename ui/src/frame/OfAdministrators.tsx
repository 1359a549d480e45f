import { type ReactNode, useState } from "react";
import { later, WhyContext } from "@/kit";

const AdministratorsDialog = later(async () => (await import("./AdministratorsDialog")).AdministratorsDialog);

type Props = {
  /** What administrators alone do: "open these pages". */
  what: string;
  children: ReactNode;
};

/** Outside of every workspace: each *Why?* below it is about who administers the installation. */
export function OfAdministrators({ what, children }: Props) {
  const [isAsked, setAsked] = useState(false);
  return (
    <WhyContext.Provider value={() => setAsked(true)}>
      {children}
      {isAsked && <AdministratorsDialog what={what} onClose={() => setAsked(false)} />}
    </WhyContext.Provider>
  );
}
