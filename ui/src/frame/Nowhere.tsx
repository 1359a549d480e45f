import { useLocation } from "@tanstack/react-router";
import { viewMember } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { useObject } from "@/api/queries";
import { Go, NotFound } from "@/kit";
import { useWorkspace } from "./useWorkspace";

/** What stands at an address within a workspace that leads to nothing. */
export function Nowhere() {
  const { slug } = useWorkspace();
  const [, , noun, word] = useLocation().pathname.split("/");
  return <NotFound home={slug}>{noun === "members" && word ? <NoMember word={word} /> : null}</NotFound>;
}

/** Whose page somebody looked for: members have none, and nobody may be meant at all. */
function NoMember({ word }: { word: string }) {
  const { slug, name } = useWorkspace();
  const found = useObject(slug, "members", `/members/${word}`, (init) => viewMember(slug, word, init));
  const isNobody = found.error !== null && [404, 422].includes(problemOf(found.error).status);
  return (
    <>
      {isNobody && `Nobody who is a member of ${name} goes by this address. `}
      {found.data && `${found.data.account.name} is a member of ${name}. `}
      Members have no pages of their own: all of them are listed under <Go to={`/${slug}/members`}>Members</Go>.
    </>
  );
}
