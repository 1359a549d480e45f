import { ActionIcon, Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { checkable } from "@/kit/checkable";

const CHOICES = [
  { key: "light", word: "Light", Icon: IconSun },
  { key: "dark", word: "Dark", Icon: IconMoon },
  { key: "auto", word: "As the system", Icon: IconDeviceDesktop },
] as const;

export function SchemeButton() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  // What it looks like now is seen: the icon is of what it could be.
  const Icon = useComputedColorScheme("light") === "light" ? IconMoon : IconSun;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label="Light or dark">
          <Icon size={17} stroke={1.75} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {CHOICES.map(({ key, word, Icon }) => (
          <Menu.Item
            key={key}
            renderRoot={checkable("menuitemradio")}
            aria-checked={colorScheme === key}
            leftSection={<Icon size={16} stroke={1.75} />}
            rightSection={colorScheme === key && <IconCheck size={15} stroke={1.75} />}
            onClick={() => setColorScheme(key)}
          >
            {word}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
