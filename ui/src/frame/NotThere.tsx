import { useState } from "react";
import { MissingDialog } from "@/features/permissions/later";
import { NotFound, WhyContext } from "@/kit";

/** What leads to nothing where no workspace is open: *Why?* is answered there, too. */
export function NotThere() {
  const [isAsked, setAsked] = useState(false);
  return (
    <WhyContext.Provider value={() => setAsked(true)}>
      <NotFound />
      {isAsked && <MissingDialog onClose={() => setAsked(false)} />}
    </WhyContext.Provider>
  );
}
