import { useNavigate } from "@tanstack/react-router";
import { signOut } from "@/api/generated";
import { ME, queryClient } from "@/api/queries";
import { dress } from "@/theme/look";

export function useSignOut(): () => void {
  const navigate = useNavigate();
  return () => {
    void signOut()
      .catch(() => {})
      .then(async () => {
        dress(null);
        // First the account is asked anew: the sign-in page sends on whoever is still known here.
        await queryClient.resetQueries({ queryKey: ME, exact: true });
        await navigate({ to: "/login", replace: true });
      });
  };
}
