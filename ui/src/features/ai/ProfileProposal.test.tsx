import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { ProfileProposal } from "./ProfileProposal";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("says what is left out, also where the model says nothing besides, and takes the draft back", async () => {
  const profile = { actions: [], projects: [], instances: [], servers: [], unknown: ["fly"], not_shown: 0 };
  const events = [{ profile }, { done: true, usage: { input_tokens: 1, output_tokens: 1 } }];
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  vi.stubGlobal("fetch", async () => new Response(text, { headers: { "content-type": "text/event-stream" } }));
  const [onProposed, onBack] = [vi.fn(), vi.fn()];
  render(
    <MantineProvider>
      <ProfileProposal workspace="acme" sentence="May fly" onProposed={onProposed} onBack={onBack} onClose={() => {}} />
    </MantineProvider>,
  );
  expect(await screen.findByText(/there is no such thing: “fly”.*filled in as a draft/)).toBeTruthy();
  expect(onProposed).toHaveBeenCalledWith(profile);
  fireEvent.click(screen.getByRole("button", { name: "Back to what it was" }));
  expect(onBack).toHaveBeenCalledOnce();
});
