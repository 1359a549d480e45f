import { useQuery } from "@tanstack/react-query";
import { viewSignInWays } from "@/api/generated";
import { useMe } from "@/api/queries";

/** In which ways one signs in here, and whether this installation sends mail. */
export const useWays = () => useQuery({ queryKey: ["ways"], queryFn: ({ signal }) => viewSignInWays({ signal }) });

/** Whether this installation sends mail, as far as is known: one that hasn't said yet is taken for one that does. */
export const useSendsMail = () => useWays().data?.password_reset !== false;

/** Whether the account's address could be confirmed and isn't yet: doing it later ends what was made before. */
export function useIsUnproved(): boolean {
  const canBe = useWays().data?.password_reset === true;
  return useMe().data?.email_verified === false && canBe;
}
