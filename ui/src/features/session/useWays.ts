import { useQuery } from "@tanstack/react-query";
import { viewSignInWays } from "@/api/generated";

/** In which ways one signs in here, and whether this installation sends mail. */
export const useWays = () => useQuery({ queryKey: ["ways"], queryFn: ({ signal }) => viewSignInWays({ signal }) });
