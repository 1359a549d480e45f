// What every team begins with: the administrator who sets Stoa up, those who join by a link, and calls of the API as any
// of them.

import assert from "node:assert/strict";
import { person } from "./browser.mjs";
import { PASSWORD, until } from "./stoa.mjs";

export { PASSWORD };

const W = "/workspaces/acme";

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

/** A call of the API that must be done, with `status` where one is wanted: the body of its answer. */
export async function done(page, method, path, body, status) {
  const answer = await ask(page, method, path, body);
  const isWanted = status === undefined ? answer.status < 300 : answer.status === status;
  assert.ok(isWanted, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** From now on a member of `acme` may do what stands in `profile`, and nothing else. */
export const permit = (page, member, profile) =>
  done(
    page,
    "PUT",
    `${W}/members/${member}/permissions`,
    { actions: [], projects: [], instances: [], servers: [], ...profile },
    200,
  );

/** Somebody of the workspace `acme` with a browser of their own, who has come by a link that its owner's page asked for. */
export async function joined(browser, stoa, owner, name, email, profile) {
  const { link } = await done(owner.page, "POST", `${W}/invitations`, { email }, 201);
  const one = await person(browser, stoa.origin);
  await one.page.goto(link);
  await joinAs(one.page, name, "acme");
  const { items } = await done(owner.page, "GET", `${W}/members?q=${encodeURIComponent(email)}`);
  const { id } = items[0];
  if (profile) await permit(owner.page, id, profile);
  return { ...one, id };
}

/** The workspace `acme` with this machine as its server and a project, and where one pushes to, with a token in it. */
export async function workshop(page, { server: called = "local", project: named = "Shop" } = {}) {
  await done(page, "POST", "/workspaces", { name: "Acme" }, 201);
  const server = await done(page, "POST", `${W}/servers`, { name: called, local: true }, 201);
  const project = await done(page, "POST", `${W}/projects`, { name: named }, 201);
  const { token } = await done(page, "POST", "/me/tokens", { name: "laptop" }, 201);
  const remote = new URL(project.repository.url);
  remote.username = "anna";
  remote.password = token;
  return { server, project, remote: remote.href };
}

/** An instance of `acme`, once it is as it should be and nothing goes on with it. */
export const settled = (page, instance, status = "running") =>
  until(
    `it is ${status}`,
    async () => {
      const found = await done(page, "GET", `${W}/instances/${instance}`, undefined, 200);
      assert.notEqual(found.status, "failed", found.reason);
      return found.status === status && !found.job && found;
    },
    120,
  );

/** A new instance of what `workshop` has made, once it runs. */
export async function deployed(page, { server, project }, wanted) {
  const place = { project: project.id, server: server.id, branch: "main" };
  const { id } = await done(page, "POST", `${W}/instances`, { ...place, ...wanted }, 202);
  return settled(page, id);
}
