import { MantineProvider, Menu } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { checkable } from "./checkable";

it("calls an item of a menu what can be checked", async () => {
  render(
    <MantineProvider env="test">
      <Menu opened>
        <Menu.Target>
          <button type="button">Open</button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item renderRoot={checkable("menuitemradio")} aria-checked>
            Dark
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </MantineProvider>,
  );
  expect((await screen.findByRole("menuitemradio", { name: "Dark", checked: true })).tagName).toBe("BUTTON");
});
