import React, { useMemo, type ReactNode } from "react";
import { useDiveState, useSQLQuery } from "@motherduck/react-sql-query";
import { Bar, BarChart, CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

// The databases that this dive reads.
export const REQUIRED_DATABASES = [{ type: "share", path: "md:_share/fleet/06fa503c", alias: "fleet" }];

const N = (value: unknown): number => (value != null ? Number(value) : 0);

enum Tone { Plain = "#3366cc", Soft = "#e5e5e5" }

function Skeleton({ h = 200 }: { h?: number }) {
  return <div className="animate-pulse" style={{ height: h, background: Tone.Soft }} />;
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <div className="figure" data-label={label}>{children}</div>
      <div>{label}</div>
    </div>
  );
}

type Month = { month: string; revenue: number };

export default function Fleet() {
  const [status, setStatus] = useDiveState<string>("status", "delivered");
  const figures = useSQLQuery(`
    SELECT
      round(sum(d.amount), 0) as total,
      count(distinct d.id) as orders,
      count(distinct d.depot::VARCHAR) as depots
    FROM "fleet"."main"."deliveries" d
  `);
  const monthly = useSQLQuery<Month[]>(`
    WITH months AS (
      SELECT unnest(generate_series(date_trunc('month', timestamp '2026-06-01' - interval '5 months'), timestamp '2026-06-01', interval '1 month')) as month
    )
    SELECT strftime(m.month, '%b %Y') as label, strftime(m.month, '%Y-%m') as month, coalesce(round(sum(d.amount) / 1e3, 2), 0) as revenue
    FROM months m LEFT JOIN "fleet"."main"."deliveries" d ON date_trunc('month', d.day) = m.month
    GROUP BY 1, 2 ORDER BY 2
  `, { select: (rows) => rows.map((row) => ({ month: String(row.label), revenue: N(row.revenue) })) });
  const trucks = useSQLQuery("by_truck", { params: { status } });

  const figure = figures.data?.[0];
  const bars = useMemo(() => (trucks.data ?? []).map((row) => ({ name: String(row.truck), n: N(row.n) })), [trucks.data]);
  const failed = [figures, monthly, trucks].find((one) => one.isError);

  return (
    <div style={{ padding: "32px 40px", maxWidth: 960, margin: "0 auto" }}>
      <h1>Fleet</h1>
      {figures.isLoading ? <Skeleton h={64} /> : figure ? (
        <>
          <Figure label="Total">{N(figure.total).toLocaleString("en")}</Figure>
          <Figure label="Orders">{N(figure.orders)}</Figure>
          <Figure label="Depots">{N(figure.depots)}</Figure>
        </>
      ) : null}
      {monthly.isLoading ? <Skeleton /> : (
        <ResponsiveContainer width="100%" height={240}>
          <LineChart id="months" data={monthly.data} margin={{ top: 8, right: 16, bottom: 4, left: 8 }}>
            <CartesianGrid stroke={Tone.Soft} />
            <XAxis dataKey="month" tickLine={false} interval={0} />
            <YAxis tickFormatter={(value) => `$${value}k`} width={48} />
            <Tooltip formatter={(value: number) => [`$${value.toFixed(2)}k`, "Revenue"]} />
            <Line type="monotone" dataKey="revenue" stroke={Tone.Plain} dot={{ r: 3 }} isAnimationActive={false} />
          </LineChart>
        </ResponsiveContainer>
      )}
      {trucks.isLoading ? <Skeleton /> : (
        <ResponsiveContainer width="100%" height={240}>
          <BarChart id="trucks" data={bars} layout="vertical" margin={{ left: 100 }}>
            <XAxis type="number" />
            <YAxis type="category" dataKey="name" width={96} />
            <Bar dataKey="n" fill={Tone.Plain} barSize={20} isAnimationActive={false} />
          </BarChart>
        </ResponsiveContainer>
      )}
      <button onClick={() => setStatus("late")}>late</button>
      <p id="react">{React.version.split(".")[0]}</p>
      <p id="problem">{failed?.error?.reason}</p>
    </div>
  );
}
