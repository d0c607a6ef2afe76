// Faults that the types must find, or they prove nothing.
import type { Dashboard } from "./types";

const datasource = { type: "prometheus", uid: "x" } as const;
const options = {
  colorMode: "value",
  graphMode: "none",
  justifyMode: "auto",
  orientation: "auto",
  percentChangeColorMode: "standard",
  reduceOptions: { calcs: ["lastNotNull"] as string[], values: false },
  showPercentChange: false,
  textMode: "auto",
  wideLayout: true,
} as const;
const fieldConfig = { defaults: { unit: "s" }, overrides: [] };
const gridPos = { h: 1, w: 1, x: 0, y: 0 };
const whole = { schemaVersion: 42 };

// A panel without a fault is none.
export const right: Dashboard = { ...whole, panels: [{ type: "stat", datasource, fieldConfig, gridPos, options, targets: [] }] };

// @ts-expect-error A height in words.
export const height: Dashboard = { ...whole, panels: [{ type: "stat", fieldConfig, gridPos: { ...gridPos, h: "4" }, options, targets: [] }] };

// @ts-expect-error A field that there is not.
export const field: Dashboard = { ...whole, panels: [{ type: "stat", fieldConfig, gridPos, options, targets: [], titel: "x" }] };

// @ts-expect-error A value that the enum does not have.
export const mode: Dashboard = { ...whole, panels: [{ type: "stat", fieldConfig, gridPos, options: { ...options, textMode: "values" }, targets: [] }] };

// @ts-expect-error No type.
export const untyped: Dashboard = { ...whole, panels: [{ fieldConfig, gridPos, options, targets: [] }] };

// @ts-expect-error An option of another kind of panel.
export const option: Dashboard = { ...whole, panels: [{ type: "stat", fieldConfig, gridPos, options: { ...options, cellGap: 1 }, targets: [] }] };

// @ts-expect-error A query without its expression.
export const query: Dashboard = { ...whole, panels: [{ type: "stat", fieldConfig, gridPos, options, targets: [{ refId: "A" }] }] };
