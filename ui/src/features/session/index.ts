export { InvitationPage } from "./InvitationPage";
export { SetupPage } from "./SetupPage";
export { LoginPage, SignInScreen } from "./SignIn";
