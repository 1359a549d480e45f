import { PageTitle } from "@/kit";

export function SetupPage() {
  return <PageTitle title="Setup" />;
}

export function LoginPage() {
  return <PageTitle title="Login" />;
}

export function InvitationPage() {
  return <PageTitle title="Invitation" />;
}

export function SignInScreen(_: { ended: boolean }) {
  return <PageTitle title="Sign in" />;
}
