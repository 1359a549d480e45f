export { InvitationPage, LoginPage, SetupPage, SignInScreen } from "./pages";
