import { useMemo } from "react";
import { useSQLQuery } from "@motherduck/react-sql-query";
import { Bar, BarChart, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

export const REQUIRED_DATABASES = [{ type: "share", path: "md:_share/shop/4b1f6a0e-9d63-4c55-8f6d-2f6a53c0d8aa", alias: "shop" }];

const N = (value: unknown): number => (value != null ? Number(value) : 0);
const money = (n: number) => (n >= 1e6 ? `$${(n / 1e6).toFixed(1)}M` : n >= 1e3 ? `$${(n / 1e3).toFixed(0)}K` : `$${n}`);

function Figure({ label, value }: { label: string; value: string }) {
  return <div data-figure={label}><div>{value}</div><div>{label}</div></div>;
}

function Waiting({ h = 200 }: { h?: number }) {
  return <div className="animate-pulse rounded" style={{ height: h, background: "#e5e5e5" }} />;
}

export default function Sales() {
  const figuresQuery = useSQLQuery(`
    SELECT
      round(sum(l.unit_price * l.quantity * (1 - l.discount)), 0) as revenue,
      count(distinct o.order_id) as orders,
      round(sum(l.unit_price * l.quantity * (1 - l.discount)) / count(distinct o.order_id), 2) as average,
      count(distinct o.ship_country::VARCHAR) as countries
    FROM "shop"."main"."orders" o
    JOIN "shop"."main"."order_details" l ON o.order_id = l.order_id::BIGINT
  `);
  const monthsQuery = useSQLQuery(`
    WITH months AS (
      SELECT unnest(generate_series(
        date_trunc('month', current_date - interval '11 months'), date_trunc('month', current_date), interval '1 month'
      )) as month
    )
    SELECT
      strftime(m.month, '%Y-%m') as month,
      strftime(m.month, '%b %Y') as label,
      coalesce(round(sum(l.unit_price * l.quantity * (1 - l.discount)) / 1e6, 2), 0) as revenue
    FROM months m
    LEFT JOIN "shop"."main"."orders" o ON date_trunc('month', o.order_date) = m.month
    LEFT JOIN "shop"."main"."order_details" l ON o.order_id = l.order_id::BIGINT
    GROUP BY 1, 2
    ORDER BY 1
  `);
  const categoriesQuery = useSQLQuery(`
    SELECT c.category_name, round(sum(l.unit_price * l.quantity * (1 - l.discount)) / 1e6, 1) as revenue
    FROM "shop"."main"."order_details" l
    JOIN "shop"."main"."products" p ON l.product_id::BIGINT = p.product_id
    JOIN "shop"."main"."categories" c ON p.category_id = c.category_id
    GROUP BY 1
    ORDER BY 2 DESC
  `);

  const figures = figuresQuery.data?.[0];
  const months = useMemo(() => (monthsQuery.data ?? []).map((row) => ({ month: row.label, revenue: N(row.revenue) })), [monthsQuery.data]);
  const categories = useMemo(
    () => (categoriesQuery.data ?? []).map((row) => ({ name: String(row.category_name), revenue: N(row.revenue) })),
    [categoriesQuery.data],
  );

  return (
    <div style={{ padding: "32px 40px", maxWidth: 960, margin: "0 auto" }}>
      <h1>Sales</h1>
      {figuresQuery.isLoading ? (
        <div className="grid grid-cols-4 gap-6"><Waiting h={64} /><Waiting h={64} /><Waiting h={64} /><Waiting h={64} /></div>
      ) : figures ? (
        <div className="grid grid-cols-4 gap-6">
          <Figure label="Total Revenue" value={money(N(figures.revenue))} />
          <Figure label="Total Orders" value={N(figures.orders).toLocaleString()} />
          <Figure label="Avg Order Value" value={money(N(figures.average))} />
          <Figure label="Countries" value={String(N(figures.countries))} />
        </div>
      ) : null}
      {monthsQuery.isLoading ? <Waiting h={240} /> : (
        <ResponsiveContainer width="100%" height={240}>
          <LineChart data={months} margin={{ top: 8, right: 16, bottom: 4, left: 8 }}>
            <XAxis dataKey="month" tick={{ fontSize: 11, fill: "#6a6a6a" }} tickLine={false} axisLine={{ stroke: "#e5e5e5" }} />
            <YAxis tickFormatter={(value) => `$${value}M`} tickLine={false} axisLine={false} width={48} />
            <Tooltip formatter={(value: number) => [`$${value.toFixed(2)}M`, "Revenue"]} contentStyle={{ fontSize: 12 }} />
            <Line type="monotone" dataKey="revenue" stroke="#3366cc" strokeWidth={2} dot={{ r: 3, fill: "#3366cc" }} />
          </LineChart>
        </ResponsiveContainer>
      )}
      {categoriesQuery.isLoading ? <Waiting h={240} /> : (
        <ResponsiveContainer width="100%" height={240}>
          <BarChart data={categories} layout="vertical" margin={{ top: 4, right: 16, bottom: 4, left: 100 }}>
            <XAxis type="number" tickFormatter={(value) => `$${value}M`} tickLine={false} />
            <YAxis type="category" dataKey="name" tickLine={false} axisLine={false} width={96} />
            <Tooltip formatter={(value: number) => [`$${value.toFixed(1)}M`, "Revenue"]} contentStyle={{ fontSize: 12 }} />
            <Bar dataKey="revenue" fill="#3366cc" radius={[0, 4, 4, 0]} barSize={20} />
          </BarChart>
        </ResponsiveContainer>
      )}
    </div>
  );
}
