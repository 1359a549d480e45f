// The installation's own pages. Whoever doesn't administer it gets the server's refusal in their place.

import { useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { OfAdministrators } from "@/frame/OfAdministrators";
import { Shell } from "@/frame/Shell";
import { later, PageTitle, Tabs } from "@/kit";
import { dress } from "@/theme/look";
import { Accounts } from "./Accounts";
import { State } from "./State";
import { Workspaces } from "./Workspaces";

const NotThere = later(async () => (await import("@/frame/NotThere")).NotThere);

const TABS = [
  { key: "workspaces", name: "Workspaces", to: "/administration" },
  { key: "accounts", name: "Accounts", to: "/administration/accounts" },
  { key: "state", name: "State", to: "/administration/state" },
];

export function AdministrationPage() {
  const { page = "workspaces" } = useParams({ strict: false }) as { page?: string };
  useEffect(() => dress(null), []);
  const isKnown = TABS.some(({ key }) => key === page);
  return (
    <Shell workspace={null}>
      {isKnown ? (
        <OfAdministrators what="open these pages">
          <PageTitle
            title="Administration"
            sentence="This installation: its workspaces from outside, its accounts, and how it stands."
            isTight
          />
          <Tabs label="Administration" tabs={TABS} current={page} />
          {page === "workspaces" && <Workspaces />}
          {page === "accounts" && <Accounts />}
          {page === "state" && <State />}
        </OfAdministrators>
      ) : (
        <NotThere />
      )}
    </Shell>
  );
}
