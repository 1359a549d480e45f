// What every team begins with: the administrator who sets Stoa up, those who join by a link, and calls of the API as any
// of them.

export const PASSWORD = "a long enough sentence";

/** A call of the API as whoever the page is signed in as. The body of its answer is `null` where there is none. */
export const ask = (page, method, path, body, headers = {}) =>
  page.evaluate(
    async ([method, path, body, headers]) => {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: { ...(body && { "Content-Type": "application/json" }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body, headers],
  );

/** Makes the administrator, by the link that Stoa has printed. */
export async function setUp(page, link, { name = "Anna Lindqvist", email = "anna@example.com" } = {}) {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
}

/** Makes an account on the page that an invitation's link has led to, and joins the workspace. */
export async function joinAs(page, name, workspace) {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account and join" }).click();
  await page.waitForURL(new RegExp(`/${workspace}`));
}
