// What a dashboard may hold, by Grafana's own types; its enums are plain values in JSON.
import type { Dashboard as Whole, Panel, RowPanel } from "./node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen";
import type * as bargauge from "./node_modules/@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen";
import type * as heatmap from "./node_modules/@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen";
import type * as stat from "./node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen";
import type * as table from "./node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen";
import type * as timeseries from "./node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? number extends T
      ? T
      : `${T}` extends `${infer N extends number}`
        ? N
        : never
    : T extends (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

type Query = {
  datasource: { type: "prometheus"; uid: string };
  editorMode: "code" | "builder";
  expr: string;
  format?: "time_series" | "table" | "heatmap";
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
};

type FieldConfig = NonNullable<Panel["fieldConfig"]>;
type Of<Type extends string, Options, Custom> = Plain<Omit<Panel, "fieldConfig" | "options" | "targets" | "type">> & {
  fieldConfig: Plain<Omit<FieldConfig, "defaults">> & {
    defaults: Plain<Omit<FieldConfig["defaults"], "custom">> & { custom?: Plain<Custom> };
  };
  options: Plain<Options>;
  targets: Query[];
  type: Type;
};

type AnyPanel =
  | Of<"bargauge", bargauge.Options, never>
  | Of<"heatmap", heatmap.Options, heatmap.FieldConfig>
  | Of<"stat", stat.Options, never>
  | Of<"table", table.Options, Partial<table.FieldConfig>>
  | Of<"timeseries", timeseries.Options, timeseries.FieldConfig>
  | Plain<RowPanel>;

export type Dashboard = Plain<Omit<Whole, "panels">> & { panels: AnyPanel[] };
