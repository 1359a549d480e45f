import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Said } from "./Said";
import { Note } from "./Status";

afterEach(cleanup);

it("shows what stands in backticks as code, wherever a sentence of the server stands alone", () => {
  const sentence = "`comand` isn't known in [run]; did you mean `command`?";
  for (const shown of [
    <Said key={0} text={sentence} />,
    <Note key={1} tone="bad">
      {sentence}
    </Note>,
  ]) {
    const { container } = render(shown);
    expect(container.textContent).toBe("comand isn't known in [run]; did you mean command?");
    expect([...container.querySelectorAll("code")].map((code) => code.textContent)).toEqual(["comand", "command"]);
  }
});

it("leaves one that closes nothing as it is", () => {
  const { container } = render(<Said text="unexpected ` in line 1" />);
  expect(container.textContent).toBe("unexpected ` in line 1");
});
