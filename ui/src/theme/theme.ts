// Mantine wears the tokens: nothing here is a colour, only which of Mantine's variables reads which of ours.

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";
import { offered } from "./offered";

const BRAND = Array.from({ length: 10 }, () => "var(--brand-fill)") as unknown as MantineColorsTuple;
const ink = { label: { fontSize: 13, fontWeight: 500, marginBottom: 6 }, description: { fontSize: 12, marginTop: 6 } };

// By name, not by component: what a page doesn't show isn't loaded with the first one.
const of = <T extends { defaultProps?: object; styles?: object }>(component: T) => component;

export const theme = createTheme({
  primaryColor: "brand",
  colors: { brand: BRAND },
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, monospace',
  fontSizes: { xs: "11px", sm: "13px", md: "13px", lg: "14px", xl: "16px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.45", lg: "1.45", xl: "1.4" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  radius: { xs: "5px", sm: "6px", md: "6px", lg: "10px", xl: "14px" },
  defaultRadius: "sm",
  headings: { fontWeight: "600" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    ActionIcon: of({ defaultProps: { variant: "subtle", color: "gray", size: 32 } }),
    Button: of({ defaultProps: { variant: "default", size: "sm" } }),
    Checkbox: of({ defaultProps: { size: "xs" } }),
    Input: of({ defaultProps: { size: "sm" } }),
    TextInput: of({ defaultProps: { size: "sm" }, styles: ink }),
    NumberInput: of({ defaultProps: { size: "sm" }, styles: ink }),
    PasswordInput: of({
      defaultProps: {
        size: "sm",
        visibilityToggleButtonProps: { "aria-label": "Show or hide the password", tabIndex: 0 },
      },
      styles: ink,
    }),
    Textarea: of({ defaultProps: { size: "sm" }, styles: ink }),
    // A list opens when somebody wants it, by a click, a key or what is typed: by itself it hides what comes next.
    Autocomplete: of({ defaultProps: { size: "sm", openOnFocus: false, filter: offered }, styles: ink }),
    Select: of({ defaultProps: { size: "sm", allowDeselect: false, openOnFocus: false }, styles: ink }),
    MultiSelect: of({ defaultProps: { size: "sm", openOnFocus: false }, styles: ink }),
    Menu: of({
      defaultProps: {
        withInitialFocusPlaceholder: false,
        shadow: "md",
        transitionProps: { transition: "fade", duration: 160 },
      },
    }),
    Popover: of({ defaultProps: { shadow: "md", transitionProps: { transition: "fade", duration: 160 } } }),
    Modal: of({
      defaultProps: {
        centered: true,
        radius: "xl",
        padding: 24,
        shadow: "xl",
        withCloseButton: false,
        transitionProps: { transition: "fade", duration: 200 },
        overlayProps: { backgroundOpacity: 0.4 },
      },
    }),
    Notification: of({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    SegmentedControl: of({ defaultProps: { withItemsBorders: false, size: "sm" } }),
    Skeleton: of({ defaultProps: { radius: "sm" } }),
    Switch: of({ defaultProps: { withThumbIndicator: false, size: "sm" } }),
    Tabs: of({ defaultProps: { keepMounted: false } }),
    Tooltip: of({ defaultProps: { openDelay: 250, withArrow: false, multiline: true, maw: 320 } }),
  },
});

const scheme = {
  "--mantine-color-body": "var(--surface)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-bright": "var(--text)",
  "--mantine-color-dimmed": "var(--text3)",
  "--mantine-color-anchor": "var(--brand-text)",
  "--mantine-color-placeholder": "var(--text3)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-color-default": "var(--raised)",
  "--mantine-color-default-hover": "var(--hover)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line2)",
  "--mantine-color-disabled": "var(--quiet-ground)",
  "--mantine-color-disabled-color": "var(--text3)",
  "--mantine-color-disabled-border": "var(--line2)",
  "--mantine-primary-color-filled": "var(--brand-fill)",
  "--mantine-primary-color-filled-hover": "var(--brand-fill-hover)",
  "--mantine-primary-color-light": "var(--brand-tint)",
  "--mantine-primary-color-light-hover": "var(--brand-tint-strong)",
  "--mantine-primary-color-light-color": "var(--brand-text)",
  "--mantine-primary-color-contrast": "var(--brand-label)",
  "--mantine-color-brand-filled": "var(--brand-fill)",
  "--mantine-color-brand-filled-hover": "var(--brand-fill-hover)",
  "--mantine-color-brand-light": "var(--brand-tint)",
  "--mantine-color-brand-light-hover": "var(--brand-tint-strong)",
  "--mantine-color-brand-light-color": "var(--brand-text)",
  "--mantine-color-brand-text": "var(--brand-text)",
  "--mantine-color-brand-outline": "var(--brand-ring)",
  "--mantine-color-gray-light": "var(--hover)",
  "--mantine-color-gray-light-hover": "var(--hover)",
  "--mantine-color-gray-light-color": "var(--text2)",
  "--mantine-color-gray-text": "var(--text2)",
  "--mantine-shadow-md": "var(--shadow-float)",
  "--mantine-shadow-xl": "var(--shadow-dialog)",
};

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: scheme, dark: scheme });
